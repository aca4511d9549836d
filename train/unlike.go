package train

import (
	"slices"

	"passfail/model/graph"
	"passfail/train/feature"
	"passfail/train/novelty"
)

// describe adds what novelty describes pictures by.
func describe(m *graph.Model, p feature.Pooled) (int32, error) {
	d, tap, statistics, err := descriptor(m, p)
	if err != nil {
		return 0, err
	}
	return d.Append(m, tap, statistics)
}

// descriptor is that of a base, with the map that it describes and its
// statistics.
func descriptor(m *graph.Model, p feature.Pooled) (d *novelty.Descriptor, tap, statistics int32, err error) {
	taps := m.Subgraphs[0].Outputs
	if tap, err = novelty.Tap(m, taps); err != nil {
		return nil, 0, 0, err
	}
	d, err = novelty.NewDescriptor(m, tap)
	return d, tap, p.Statistics[slices.Index(taps, tap)], err
}

// guardShare is the share of parts like those of the training that the guard may
// take for unlike: a price that is paid on every good part.
const guardShare = 0.005

// unlike learns what the pictures look like.
func (m *material) unlike(purpose novelty.Purpose, share float64, seed uint64) (*novelty.Model, error) {
	f, err := m.network.Base()
	if err != nil {
		return nil, err
	}
	pooled, err := feature.Pool(f.Model)
	if err != nil {
		return nil, err
	}
	d, _, _, err := descriptor(f.Model, pooled)
	if err != nil {
		return nil, err
	}
	fitter := novelty.NewFitter(d, seed)
	x := make([]float32, m.network.ExtraCount)
	for i, p := range m.pictures.set.Pictures {
		if err := m.read(m.descriptions, i, feature.Variant{}, x); err != nil {
			return nil, err
		}
		if err := fitter.Add(x, p.Label, m.pictures.groups[i]); err != nil {
			return nil, err
		}
	}
	return fitter.Fit(purpose, share, seed)
}

// addGuard adds the novelty of a picture to the network, and its map.
func addGuard(m *graph.Model, p feature.Pooled, guard *novelty.Model) (value, places int32, err error) {
	_, tap, statistics, err := descriptor(m, p)
	if err != nil {
		return 0, 0, err
	}
	return guard.Append(m, tap, statistics)
}
