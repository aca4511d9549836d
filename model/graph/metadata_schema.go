package graph

// The tables of TFLite Metadata (identifier M001), as far as pictures need them.

// ModelMetadata says for people and programs what a model is.
type ModelMetadata struct {
	Name             string              `flat:"0"`
	Description      string              `flat:"1"`
	Version          string              `flat:"2"`
	Subgraphs        []*SubgraphMetadata `flat:"3"`
	Author           string              `flat:"4"`
	License          string              `flat:"5"`
	AssociatedFiles  []*AssociatedFile   `flat:"6"`
	MinParserVersion string              `flat:"7"`
}

// SubgraphMetadata describes a subgraph's inputs and outputs, in their order.
type SubgraphMetadata struct {
	Name        string            `flat:"0"`
	Description string            `flat:"1"`
	Inputs      []*TensorMetadata `flat:"2"`
	Outputs     []*TensorMetadata `flat:"3"`
}

// TensorMetadata describes one input or output.
type TensorMetadata struct {
	Name            string            `flat:"0"`
	Description     string            `flat:"1"`
	DimensionNames  []string          `flat:"2"`
	Content         *Content          `flat:"3"`
	ProcessUnits    []*ProcessUnit    `flat:"4"`
	Stats           *Stats            `flat:"5"`
	AssociatedFiles []*AssociatedFile `flat:"6"`
}

// Content says what a tensor holds.
type Content struct {
	Properties ContentProperties `flat:"1"`
	Range      *ValueRange       `flat:"2"`
}

// ValueRange is a range of indices.
type ValueRange struct {
	Min int32 `flat:"0"`
	Max int32 `flat:"1"`
}

// ContentProperties is a union: kind 1 feature, kind 2 image.
type ContentProperties struct {
	Kind  uint8
	Value any
}

// Kinds of content.
const (
	contentFeature = 1
	contentImage   = 2
)

// Member returns a new, zero table for a kind: flat.Union.
func (*ContentProperties) Member(kind uint8) any {
	switch kind {
	case contentFeature:
		return &FeatureProperties{}
	case contentImage:
		return &ImageProperties{}
	}
	return nil
}

// FeatureProperties marks a tensor of features or scores.
type FeatureProperties struct{}

// ImageProperties marks a picture. ColorSpace is 1 for RGB, 2 for gray.
type ImageProperties struct {
	ColorSpace  int8       `flat:"0"`
	DefaultSize *ImageSize `flat:"1"`
}

// ImageSize in pixels.
type ImageSize struct {
	Width  uint32 `flat:"0"`
	Height uint32 `flat:"1"`
}

// Color spaces of ImageProperties.
const (
	ColorUnknown = 0
	ColorRGB     = 1
	ColorGray    = 2
)

// ProcessUnit is a step before or after the network.
type ProcessUnit struct {
	Options ProcessOptions `flat:"1"`
}

// ProcessOptions is a union: kind 1 normalization.
type ProcessOptions struct {
	Kind  uint8
	Value any
}

const processNormalization = 1

// Member returns a new, zero table for a kind: flat.Union.
func (*ProcessOptions) Member(kind uint8) any {
	if kind == processNormalization {
		return &Normalization{}
	}
	return nil
}

// Normalization says that the network wants (value − mean) / std, a channel each or one
// for all, of values in 0..255.
type Normalization struct {
	Mean []float32 `flat:"0"`
	Std  []float32 `flat:"1"`
}

// Stats are the extremes of a tensor's values.
type Stats struct {
	Max []float32 `flat:"0"`
	Min []float32 `flat:"1"`
}

// AssociatedFile names a file packed with the model.
type AssociatedFile struct {
	Name        string   `flat:"0"`
	Description string   `flat:"1"`
	Type        FileType `flat:"2"`
	Locale      string   `flat:"3"`
	Version     string   `flat:"4"`
}

// FileType is what an associated file is for.
type FileType int8

// Types of associated files with labels.
const (
	AxisLabels  FileType = 2
	ValueLabels FileType = 3
)
