package head

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Basis turns features into coordinates: standardized, then projected onto the
// directions in which the training pictures differ most.
type Basis struct {
	Mean, Scale []float32 // [features]: a feature is (x − Mean) / Scale
	Directions  []float32 // [coordinates][features], orthonormal
	Spread      []float64 // [coordinates]: standard deviation along each, falling
}

// Rows gives the features of row i, which it may write to dst.
type Rows func(i int, dst []float32) error

// NewBasis finds the most telling directions, at most most of them, of n rows of
// so many features. A feature that hardly ever moves is given no more than its
// share: a floor under the deviation keeps it from growing to the others' size.
func NewBasis(rows Rows, n, features, most int, seed uint64) (*Basis, error) {
	if n < 2 || features < 1 {
		return nil, fmt.Errorf("%d pictures of %d features: too few to find what differs", n, features)
	}
	x := make([]float32, n*features)
	for i := range n {
		if err := rows(i, x[i*features:(i+1)*features]); err != nil {
			return nil, err
		}
	}
	b := &Basis{}
	b.standardize(x, n, features)
	g := gram(x, n, features)
	values, vectors := leading(g, n, min(most, n-1, features), seed)
	// Directions beyond the numbers' precision are noise.
	k := 0
	for k < len(values) && values[k] > 1e-7*values[0] && values[k] > 0 {
		k++
	}
	if k == 0 {
		return nil, fmt.Errorf("all %d pictures have the same features; are they copies of one?", n)
	}
	b.Spread = make([]float64, k)
	b.Directions = make([]float32, k*features)
	for j := range k {
		b.Spread[j] = math.Sqrt(values[j] / float64(n))
	}
	// directionⱼ = Σᵢ vectors[i][j] xᵢ / √valueⱼ
	for i := range n {
		row := x[i*features : (i+1)*features]
		for j := range k {
			f := float32(vectors.At(i, j) / math.Sqrt(values[j]))
			d := b.Directions[j*features : (j+1)*features]
			for c, v := range row {
				d[c] += f * v
			}
		}
	}
	return b, nil
}

// standardize computes mean and scale of x and applies them to it.
func (b *Basis) standardize(x []float32, n, features int) {
	mean, scale := make([]float64, features), make([]float64, features)
	for i := range n {
		for j, v := range x[i*features : (i+1)*features] {
			mean[j] += float64(v) / float64(n)
		}
	}
	for i := range n {
		for j, v := range x[i*features : (i+1)*features] {
			u := float64(v) - mean[j]
			scale[j] += u * u / float64(n)
		}
	}
	for j := range scale {
		scale[j] = math.Sqrt(scale[j])
	}
	sorted := slices.Sorted(slices.Values(scale))
	floor := max(0.3*sorted[features/2], 1e-6)
	b.Mean, b.Scale = make([]float32, features), make([]float32, features)
	for j := range scale {
		b.Mean[j], b.Scale[j] = float32(mean[j]), float32(max(scale[j], floor))
	}
	for i := range n {
		b.normalize(x[i*features : (i+1)*features])
	}
}

func (b *Basis) normalize(x []float32) {
	for j := range x {
		x[j] = (x[j] - b.Mean[j]) / b.Scale[j]
	}
}

// gram is x · xᵀ of n rows.
func gram(x []float32, n, features int) []float64 {
	const block = 256
	g := make([]float64, n*n)
	part := make([]float64, n*min(block, features))
	for from := 0; from < features; from += block {
		w := min(block, features-from)
		for i := range n {
			for j := range w {
				part[i*w+j] = float64(x[i*features+from+j])
			}
		}
		a := blas64.General{Rows: n, Cols: w, Stride: w, Data: part[:n*w]}
		blas64.Syrk(blas.NoTrans, 1, a, 1, blas64.Symmetric{N: n, Stride: n, Data: g, Uplo: blas.Upper})
	}
	for i := range n {
		for j := range i {
			g[i*n+j] = g[j*n+i]
		}
	}
	return g
}

// exactly is up to which size all eigenvectors are computed.
const exactly = 400

// leading returns the k largest eigenvalues of the symmetric n × n matrix g and
// their vectors as columns.
func leading(g []float64, n, k int, seed uint64) ([]float64, *mat.Dense) {
	if n <= exactly {
		return allLeading(mat.NewSymDense(n, g), k)
	}
	// Subspace iteration: a random subspace, turned towards the leading one.
	a := mat.NewDense(n, n, g)
	width := min(k+k/10+10, n)
	r := rand.New(rand.NewPCG(seed, 0xba515))
	y := mat.NewDense(n, width, nil)
	for i := range n {
		for j := range width {
			y.Set(i, j, r.NormFloat64())
		}
	}
	var z mat.Dense
	for range 4 {
		z.Mul(a, y)
		orthonormalize(&z)
		y.Copy(&z)
	}
	z.Mul(a, y)
	var small mat.Dense
	small.Mul(y.T(), &z)
	s := mat.NewSymDense(width, nil)
	for i := range width {
		for j := i; j < width; j++ {
			s.SetSym(i, j, (small.At(i, j)+small.At(j, i))/2)
		}
	}
	values, turn := allLeading(s, k)
	v := mat.NewDense(n, k, nil)
	v.Mul(y, turn)
	return values, v
}

// allLeading is leading by way of all eigenvectors.
func allLeading(g *mat.SymDense, k int) ([]float64, *mat.Dense) {
	n := g.SymmetricDim()
	var e mat.EigenSym
	e.Factorize(g, true)
	var all mat.Dense
	e.VectorsTo(&all)
	v := mat.NewDense(n, k, nil)
	values, ascending := make([]float64, k), e.Values(nil)
	for j := range k {
		values[j] = ascending[n-1-j]
		v.SetCol(j, mat.Col(nil, n-1-j, &all))
	}
	return values, v
}

// orthonormalize makes the columns orthonormal, by the Cholesky factor of their
// products, twice for precision.
func orthonormalize(y *mat.Dense) {
	_, k := y.Dims()
	for range 2 {
		p := mat.NewSymDense(k, nil)
		p.SymOuterK(1, y.T())
		for i := range k {
			p.SetSym(i, i, p.At(i, i)*(1+1e-13))
		}
		var c mat.Cholesky
		if !c.Factorize(p) {
			break
		}
		var u mat.TriDense
		c.UTo(&u)
		// y ← y · u⁻¹, row by row.
		blas64.Trsm(blas.Right, blas.NoTrans, 1, u.RawTriangular(), y.RawMatrix())
	}
}

// Len is the number of coordinates.
func (b *Basis) Len() int { return len(b.Spread) }

// Project turns n rows of features, which it changes, into coordinates, and
// writes them to z: [n][Len()].
func (b *Basis) Project(x []float32, n int, z []float64) {
	features, k := len(b.Mean), b.Len()
	for i := range n {
		row := x[i*features : (i+1)*features]
		b.normalize(row)
		for j := range k {
			z[i*k+j] = float64(dot(row, b.Directions[j*features:(j+1)*features]))
		}
	}
}

// dot adds up in eight places, so that neither the order nor the precision
// depends on the machine's vectors.
func dot(a, b []float32) float32 {
	var s [8]float32
	n := len(a) &^ 7
	for i := 0; i < n; i += 8 {
		p, q := a[i:i+8:i+8], b[i:i+8:i+8]
		for j := range 8 {
			s[j] += p[j] * q[j]
		}
	}
	for i := n; i < len(a); i++ {
		s[i&7] += a[i] * b[i]
	}
	return (s[0] + s[1]) + (s[2] + s[3]) + ((s[4] + s[5]) + (s[6] + s[7]))
}
