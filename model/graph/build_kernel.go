package graph

import "passfail/model/graph/internal/tflite"

// Pointwise adds a 1×1 convolution: weights · x + bias at each position of a map
// x [n h w c]. weights [k c] row by row, bias [k]. Result [n h w k].
func (m *Model) Pointwise(x int32, weights, bias []float32, name string) int32 {
	c, k := m.dimension(x, 3), int32(len(bias))
	return m.add(step{tflite.BuiltinOperatorCONV_2D, 1, &Options{
		Type: tflite.BuiltinOptionsConv2DOptions, Value: &tflite.Conv2DOptionsT{StrideW: 1, StrideH: 1, DilationWFactor: 1, DilationHFactor: 1},
	}}, Float32, name, x, m.AddFloats(name+"/weights", weights, k, 1, 1, c), m.AddFloats(name+"/bias", bias, k))
}

// BatchMatMul adds the products of matrices x [… a b] · y [… b c]: [… a c]. The
// dimensions in front are those of a batch, repeated where they are 1.
func (m *Model) BatchMatMul(x, y int32, name string) int32 {
	return m.add(step{tflite.BuiltinOperatorBATCH_MATMUL, 1, &Options{
		Type: tflite.BuiltinOptionsBatchMatMulOptions, Value: &tflite.BatchMatMulOptionsT{},
	}}, Float32, name, x, y)
}

// SquaredNorm adds the sum of squares along the last dimension, which stays with
// length 1.
func (m *Model) SquaredNorm(x int32, name string) int32 {
	return m.Sum(m.Square(x, name+"/squares"), name, -1)
}

// SquaredDistances adds |x − v|² of each row of x [n q] to each of vectors [k q]:
// [n k], none below 0. It is computed as |x|² + |v|² − 2 x·v, so it is fast, and
// exact to a millionth of |x|² + |v|²: give centred vectors.
func (m *Model) SquaredDistances(x int32, vectors []float32, name string) int32 {
	q := int(m.dimension(x, -1))
	if q == 0 || len(vectors)%q != 0 {
		q = len(vectors) // which does not fit x: Dense says so
	}
	weights, norms := make([]float32, len(vectors)), make([]float32, len(vectors)/max(q, 1))
	for i, v := range vectors {
		weights[i] = -2 * v
	}
	for i := range norms {
		sum := 0.0
		for _, v := range vectors[i*q : (i+1)*q] {
			sum += float64(v) * float64(v)
		}
		norms[i] = float32(sum)
	}
	products := m.Dense(x, weights, norms, name+"/products")
	return m.Relu(m.Add(products, m.SquaredNorm(x, name+"/norm"), name+"/sum"), name)
}

// RBF adds the radial basis functions exp(−gamma · |x − v|²) of each row of
// x [n q] and each of vectors [k q]: [n k], 0 to 1. A Dense behind it makes a
// kernel machine of it: a support vector machine's weights are its coefficients.
func (m *Model) RBF(x int32, vectors []float32, gamma float32, name string) int32 {
	d := m.SquaredDistances(x, vectors, name+"/distances")
	return m.Exp(m.Mul(d, m.Constant(name+"/gamma", -gamma), name+"/scaled"), name)
}

// PositionGaussian is a normal distribution of d channels at each position of a
// map of h × w.
type PositionGaussian struct {
	Mean []float32 // [h w d]
	// Whitening turns a deviation from the mean into independent directions of
	// variance 1: a matrix [d d] for each position, [h w d d], such that its product
	// with its transpose is the inverse of the covariance.
	Whitening []float32
}

// Mahalanobis adds the squared Mahalanobis distance of a map x [n h w d] to a
// distribution at each position: |(x − mean) · whitening|², [n h w 1].
func (m *Model) Mahalanobis(x int32, g PositionGaussian, name string) int32 {
	h, w, d := m.dimension(x, 1), m.dimension(x, 2), m.dimension(x, 3)
	deviation := m.Sub(x, m.AddFloats(name+"/mean", g.Mean, 1, h, w, d), name+"/deviation")
	rows := m.Reshape(deviation, name+"/rows", -1, h*w, 1, d)
	white := m.BatchMatMul(rows, m.AddFloats(name+"/whitening", g.Whitening, 1, h*w, d, d), name+"/white")
	return m.Reshape(m.SquaredNorm(white, name+"/norm"), name, -1, h, w, 1)
}
