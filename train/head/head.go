package head

import "math"

// Head gives classes their logits from a picture's features: a linear part and
// a kernel part, both on the features' coordinates in a Basis.
//
//	logit = Bias + Linear · z + Kernel · k,  kᵢ = exp(−Gamma · |z/Scale − landmarkᵢ|²)
//
// with the coordinates z = Basis(features). With one row it is the logit of the
// second class against the first; with a row for each class the logits of a
// softmax.
type Head struct {
	Basis     *Basis
	Rows      int
	Bias      []float64 // [rows]
	Linear    []float64 // [rows][coordinates]
	Scale     []float64 // of the first coordinates, those that the kernel part sees; nil: there is none
	Gamma     float64
	Landmarks []float64 // [landmarks][len(Scale)]
	Kernel    []float64 // [rows][landmarks]
}

// Logits computes the logits of a picture from its coordinates in the basis.
func (h *Head) Logits(coordinates, logits []float64) {
	copy(logits, h.Bias)
	q := h.Basis.Len()
	for r := range h.Rows {
		for j, v := range coordinates[:q] {
			logits[r] += h.Linear[r*q+j] * v
		}
	}
	if h.Scale == nil {
		return
	}
	k := kernel{scale: h.Scale, landmarks: h.Landmarks, gamma: h.Gamma}
	near := make([]float64, k.width())
	k.apply(coordinates, near)
	for r := range h.Rows {
		for i, v := range near {
			logits[r] += h.Kernel[r*len(near)+i] * v
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
