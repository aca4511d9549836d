package head

import (
	"math"

	"passfail/train/dense"
	"passfail/train/parallel"
)

// squares are the squared lengths of rows x [n][q].
func squares(x []float32, q int) []float32 {
	s := make([]float32, len(x)/q)
	for i := range s {
		sum := 0.0
		for _, v := range x[i*q : (i+1)*q] {
			sum += float64(v) * float64(v)
		}
		s[i] = float32(sum)
	}
	return s
}

// distances computes |a − b|² of rows a [m][q] and b [n][q], whose squared lengths
// are aa and bb, into d [m][n].
func distances(a, b, aa, bb []float32, q int, d []float32) {
	m, n := len(aa), len(bb)
	dense.Multiply(dense.New(a, m, q), dense.New(b, n, q).T(), d, false)
	parallel.For(m, func(i int) {
		row := d[i*n : (i+1)*n]
		for j, ab := range row {
			row[j] = max(aa[i]+bb[j]-2*ab, 0)
		}
	})
}

// nearness turns squared distances, n in a row, into exp(−width · distance), in
// place.
func nearness(d []float32, n int, width float64) {
	parallel.For(len(d)/max(n, 1), func(i int) {
		row := d[i*n : (i+1)*n]
		for j, v := range row {
			row[j] = float32(math.Exp(-width * math.Sqrt(float64(v))))
		}
	})
}
