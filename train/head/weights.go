package head

// What a head is as layers of a network, on the features themselves: a basis'
// standardization and projection are folded into the first layer.

// Layer is the linear part as one layer: weights [rows][features] and bias
// [rows], without the head's own bias.
func (l *Linear) Layer() (weights, bias []float32) {
	q := l.Basis.Len()
	return l.Basis.layer(l.Weights, len(l.Weights)/q)
}

// Coordinates are the layer that turns features into the scaled coordinates:
// weights [coordinates][features] and bias.
func (k *Kernel) Coordinates() (weights, bias []float32) {
	q := len(k.Scale)
	pick := make([]float64, q*q)
	for j, s := range k.Scale {
		pick[j*q+j] = 1 / s
	}
	return k.Basis.layer(pick, q)
}

// layer folds the basis into rows of weights of its coordinates [rows][Len()].
func (b *Basis) layer(w []float64, rows int) (weights, bias []float32) {
	features, q := b.Features(), b.Len()
	weights, bias = make([]float32, rows*features), make([]float32, rows)
	sum := make([]float64, features)
	for r := range rows {
		clear(sum)
		for j, f := range w[r*q : (r+1)*q] {
			if f == 0 {
				continue
			}
			for c, d := range b.Directions[j*features : (j+1)*features] {
				sum[c] += f * float64(d)
			}
		}
		shift := 0.0
		for c, s := range sum {
			v := s / float64(b.Scale[c])
			weights[r*features+c] = float32(v)
			shift -= v * float64(b.Mean[c])
		}
		bias[r] = float32(shift)
	}
	return weights, bias
}
