package head

import "math"

// Head gives classes their logits, the sum of a linear and a kernel part. With
// one row it is the logit of the second class against the first; with a row for
// each class the logits of a softmax.
//
// The parts see the same features or different ones: whoever calls knows which.
type Head struct {
	Rows   int
	Bias   []float64 // [rows]
	Linear *Linear   // nil: there is no such part
	Kernel *Kernel   // nil likewise
}

// Linear is weights · z with the coordinates z in a basis.
type Linear struct {
	Basis   *Basis
	Weights []float64 // [rows][coordinates]
}

// Kernel is Σ weightᵢ exp(−Gamma |z/Scale − supportᵢ|²) with the coordinates z in
// a basis.
type Kernel struct {
	Basis   *Basis
	Scale   []float64 // [coordinates]
	Gamma   float64
	Support []float32 // [supporters][coordinates]
	Weights []float64 // [rows][supporters]
}

// Supporters is how many pictures, or views of such, the kernel compares with.
func (k *Kernel) Supporters() int { return len(k.Support) / len(k.Scale) }

func (h *Head) addLinear(b *Basis, l *linear, f float64) {
	q := b.Len()
	h.Linear = &Linear{Basis: b, Weights: make([]float64, h.Rows*q)}
	for r := range h.Rows {
		for j := range q {
			h.Linear.Weights[r*q+j] = f * l.weights[j*h.Rows+r]
		}
		h.Bias[r] += f * l.bias[r]
	}
}

func (h *Head) addKernel(b *Basis, k *kernel, f float64) {
	h.Kernel = &Kernel{Basis: b, Scale: k.scale, Gamma: k.settings.gamma, Support: k.support, Weights: k.weights}
	for i := range k.weights {
		k.weights[i] *= f
	}
	for r := range h.Rows {
		h.Bias[r] += f * k.bias[r]
	}
}

// Logits computes the logits [n][rows] of n pictures from the features that each
// part sees, [n][features], which it changes. Features of a part that is not there may be nil.
func (h *Head) Logits(straight, bent []float32, n int) []float64 {
	logits := make([]float64, n*h.Rows)
	for i := range logits {
		logits[i] = h.Bias[i%h.Rows]
	}
	if l := h.Linear; l != nil {
		q := l.Basis.Len()
		z := make([]float32, n*q)
		l.Basis.Project(straight, z)
		for i := range n {
			for r := range h.Rows {
				for j, v := range z[i*q : (i+1)*q] {
					logits[i*h.Rows+r] += float64(v) * l.Weights[r*q+j]
				}
			}
		}
	}
	if k := h.Kernel; k != nil {
		q := len(k.Scale)
		z := make([]float32, n*q)
		k.Basis.Project(bent, z)
		for i := range z {
			z[i] /= float32(k.Scale[i%q])
		}
		near := nearness(z, k.Support, q, k.Gamma)
		m := k.Supporters()
		for i := range n {
			for r := range h.Rows {
				for j, v := range near[i*m : (i+1)*m] {
					logits[i*h.Rows+r] += float64(v) * k.Weights[r*m+j]
				}
			}
		}
	}
	return logits
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
