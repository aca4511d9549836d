//go:build matprofile

package capture

import (
	"bytes"
	"testing"

	"gocv.io/x/gocv"
)

// TestEveryMatIsClosed runs with gocv's own count of open Mats: go test -tags ...,matprofile.
func TestEveryMatIsClosed(t *testing.T) {
	before := gocv.MatProfile.Count()
	for name, test := range map[string]func(*testing.T){
		"video":       TestVideoFastDropsNothing,
		"broken":      TestVideoWithBrokenFrames,
		"folder":      TestFolder,
		"sizes":       TestFolderOfManySizes,
		"views":       TestRotateAndFlip,
		"no pictures": TestReadPictureErrors,
		"refused":     TestFilesThatDoNotOpen,
		"hanging":     TestHangingReader,
		"unplugged":   TestUnpluggedAndBack,
		"closed":      TestCloseDoesNotWaitForAStuckReader,
	} {
		t.Run(name, test)
		if n := gocv.MatProfile.Count(); n != before {
			var where bytes.Buffer
			gocv.MatProfile.WriteTo(&where, 1)
			t.Fatalf("%s leaves %d Mats open:\n%s", name, n-before, &where)
		}
	}
}
