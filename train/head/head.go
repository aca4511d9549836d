package head

import "math"

// Head gives classes their logits from a picture's features: a linear part and
// a kernel part, both on the features' coordinates in a Basis.
//
//	logit = Bias + Linear · z + Kernel · k,  kᵢ = exp(−Gamma · |z − landmarkᵢ|²)
//
// with coordinates z = Basis(features), each divided by its Scale. With one row
// it is the logit of the second class against the first; with a row for each
// class the logits of a softmax.
type Head struct {
	Basis     *Basis
	Scale     []float64 // [coordinates]
	Rows      int
	Bias      []float64 // [rows]
	Linear    []float64 // [rows][coordinates]
	Gamma     float64
	Landmarks []float64 // [landmarks][coordinates], each divided by Scale; none: no kernel part
	Kernel    []float64 // [rows][landmarks]
}

// Coordinates is how many the head uses of its basis.
func (h *Head) Coordinates() int { return len(h.Scale) }

// Logits computes the logits of a picture from its coordinates in the basis,
// not yet divided by Scale.
func (h *Head) Logits(coordinates, logits []float64) {
	q := len(h.Scale)
	z := make([]float64, q)
	for j := range z {
		z[j] = coordinates[j] / h.Scale[j]
	}
	copy(logits, h.Bias)
	for r := range h.Rows {
		for j, v := range z {
			logits[r] += h.Linear[r*q+j] * v
		}
	}
	m := 0
	if q > 0 {
		m = len(h.Landmarks) / q
	}
	for i := range m {
		d := 0.0
		for j, v := range h.Landmarks[i*q : (i+1)*q] {
			u := z[j] - v
			d += u * u
		}
		k := math.Exp(-h.Gamma * d)
		for r := range h.Rows {
			logits[r] += h.Kernel[r*m+i] * k
		}
	}
}

// Probabilities turns logits into the classes' probabilities: one logit into
// two, several by softmax.
func Probabilities(logits, p []float64) {
	if len(logits) == 1 {
		p[1] = 1 / (1 + math.Exp(-logits[0]))
		p[0] = 1 - p[1]
		return
	}
	most := logits[0]
	for _, v := range logits {
		most = max(most, v)
	}
	sum := 0.0
	for i, v := range logits {
		p[i] = math.Exp(v - most)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
}
