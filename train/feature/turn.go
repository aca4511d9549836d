package feature

import "fmt"

// Turn is one of the eight ways in which a square picture can lie: first
// transposed, then mirrored. The zero value leaves it as it is.
type Turn uint8

// The parts of a Turn.
const (
	MirrorX   Turn = 1 << iota // left and right change places
	MirrorY                    // top and bottom change places
	Transpose                  // rows become columns
)

// Turns lists all eight, the picture as it is first.
func Turns() []Turn { return []Turn{0, 1, 2, 3, 4, 5, 6, 7} }

// String says what is done to the picture.
func (t Turn) String() string {
	names := [...]string{"as it is", "left-right mirrored", "upside-down mirrored", "turned by 180°",
		"transposed", "turned by 90° clockwise", "turned by 90° counter-clockwise", "transposed the other way"}
	if int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprintf("Turn(%d)", uint8(t))
}

// apply turns the square picture src of side × side pixels, each of so many
// bytes, into dst. The two must not overlap.
func (t Turn) apply(dst, src []byte, side, pixel int) {
	for y := range side {
		row := dst[y*side*pixel : (y+1)*side*pixel]
		for x := range side {
			// Where does the pixel that ends up at (x, y) come from?
			fromX, fromY := x, y
			if t&MirrorX != 0 {
				fromX = side - 1 - fromX
			}
			if t&MirrorY != 0 {
				fromY = side - 1 - fromY
			}
			if t&Transpose != 0 {
				fromX, fromY = fromY, fromX
			}
			at := (fromY*side + fromX) * pixel
			copy(row[x*pixel:(x+1)*pixel], src[at:at+pixel])
		}
	}
}
