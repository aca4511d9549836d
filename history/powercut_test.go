package history

import (
	"bufio"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"gocv.io/x/gocv"
	"golang.org/x/sys/unix"
)

// childEnv names the folder in which a child of this test records until it is
// killed.
const childEnv = "PASSFAIL_TEST_HISTORY"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		child(dir)
	}
	os.Exit(m.Run())
}

// child records parts as fast as they are committed, and tells after each commit
// how many parts are safe.
func child(dir string) {
	s := Defaults(dir)
	s.Largest = image.Pt(64, 48)
	h, err := open(s, systemDisk{}, time.Now)
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	img := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(80, 90, 100, 0), 48, 64, gocv.MatTypeCV8UC3)
	for {
		for range 3 {
			h.Record(&Row{Time: time.Now(), Product: "cap", Label: "chip"}, &img, image.Rect(0, 0, 64, 48))
		}
		h.writer.step(time.Now(), 0)
		fmt.Println(Sum(h.Snapshot().Ever).N[Inspected])
	}
}

// Killed at any moment, a history keeps all that was committed, counts it, names
// no picture that isn't there and shows none in part.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	rounds := 25 // PASSFAIL_TEST_KILLS asks for more
	if n, err := strconv.Atoi(os.Getenv("PASSFAIL_TEST_KILLS")); err == nil {
		rounds = n
	}
	random := rand.New(rand.NewPCG(1, 2))
	var safe uint64
	for round := range rounds {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), childEnv+"="+dir)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		kill := 1 + random.IntN(4)
		for n := 0; lines.Scan(); n++ {
			if _, err := fmt.Sscan(lines.Text(), &safe); err != nil {
				t.Fatalf("round %d: %s", round, lines.Text())
			}
			if n == kill { // somewhere in what follows this commit
				go func() {
					for range random.IntN(1 << 18) { // some time that is no sleep
					}
					_ = c.Process.Signal(unix.SIGKILL)
				}()
			}
		}
		_ = c.Wait() // it was killed
		checkSafe(t, dir, safe)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
}

func checkSafe(t *testing.T, dir string, safe uint64) {
	t.Helper()
	r, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var n uint64
	if err := r.Rows(t.Context(), Filter{}, func(row *Row) error {
		n++
		if row.Picture == "" || n > 30 { // those of the rounds before were looked at
			return nil
		}
		b, err := os.ReadFile(r.Path(row))
		if err != nil {
			return err
		}
		if len(b) < 4 || b[len(b)-2] != 0xff || b[len(b)-1] != 0xd9 {
			t.Errorf("%s: %d bytes, cut off", row.Picture, len(b))
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	list, err := r.Counters(t.Context(), 0)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	// A commit may have come to its end and not been told.
	if c := list[0].Counts[0].N; c[Inspected] != n || n < safe || c[Inspected] > safe+3 {
		t.Errorf("%d rows, %d counted, %d were safe", n, c[Inspected], safe)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, asidePrefix+"*")); len(left) > 0 {
		t.Errorf("the database was thought damaged: %v", left)
	}
}

// A file system that is really full: parts are counted, and when there is room
// again recorded.
func TestRealDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=16m"); err != nil {
		t.Skipf("a small file system can't be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s := settings(dir)
	s.MinFree = 0 // nobody watches how much is left
	st := newStation(t, s)
	filler := filepath.Join(dir, "filler")
	record := func() {
		for i := range 200 {
			st.Record(st.part(i, false, "chip"), view(t, i), whole)
		}
		st.tick()
	}
	record()
	before := len(rows(t, dir, Filter{}))
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 1<<16); err == nil; {
		_, err = f.Write(block)
	}
	f.Close()
	for range 40 {
		record()
	}
	if told := st.told(); len(told) == 0 || told[0] == nil {
		t.Fatal("nobody was told")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	st.tick()
	record()
	told := st.told()
	if told[len(told)-1] != nil {
		t.Errorf("not recovered: %v", told)
	}
	c := Sum(st.Snapshot().Ever)
	n := len(rows(t, dir, Filter{}))
	if before != 200 || c.N[Inspected] != 42*200 || uint64(n)+c.N[DroppedRows] != c.N[Inspected] {
		t.Errorf("%d rows before, %d now, %+v", before, n, c)
	}
}
