// Package spelling finds the word that a misspelt one was meant to be.
package spelling

// most is how many letters may be wrong: with more, one word is as likely meant as
// another.
const most = 2

// Nearest is the known word that differs from word by the fewest letters, the first of
// several, or "" if all differ by more than two.
func Nearest(word string, known []string) string {
	nearest, least := "", most+1
	for _, k := range known {
		if d := distance(word, k); d < least {
			nearest, least = k, d
		}
	}
	return nearest
}

// distance is how many letters must be put in, taken out or replaced to make b of a
// (Levenshtein's).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, replaced)
		}
	}
	return row[len(b)]
}
