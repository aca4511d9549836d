package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// Serve says that the machine is there, under the name bootID, and runs what it is asked to by bash, until conn ends; then
// it ends what still runs and waits for it.
func Serve(conn io.ReadWriter, bootID string) error {
	s := &server{conn: conn, running: map[uint64]context.CancelFunc{}}
	if err := s.send(reply{Ready: bootID}); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		r, ok := parseRequest(lines.Bytes())
		switch {
		case !ok:
		case r.Kill:
			s.end(r.ID)
		default:
			s.start(ctx, r)
		}
	}
	cancel()
	s.commands.Wait()
	return lines.Err()
}

type server struct {
	sending sync.Mutex
	conn    io.Writer

	commands sync.WaitGroup
	mu       sync.Mutex
	running  map[uint64]context.CancelFunc
}

func (s *server) send(r reply) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	s.sending.Lock()
	defer s.sending.Unlock()
	_, err = s.conn.Write(append(b, '\n'))
	return err
}

func (s *server) end(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.running[id]; cancel != nil {
		cancel()
	}
}

func (s *server) start(ctx context.Context, r request) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	s.running[r.ID] = cancel
	s.mu.Unlock()
	s.commands.Go(func() {
		status := s.run(ctx, r)
		cancel()
		s.mu.Lock()
		delete(s.running, r.ID)
		s.mu.Unlock()
		s.send(reply{ID: r.ID, Exit: &status})
	})
}

// run runs a command, sends its output and returns its exit status.
func (s *server) run(ctx context.Context, r request) int {
	read, write, err := os.Pipe()
	if err != nil {
		s.send(reply{ID: r.ID, Line: true, Output: err.Error()})
		return 127
	}
	defer read.Close()
	cmd := exec.Command("bash", "-c", r.Command)
	cmd.Stdout, cmd.Stderr = write, write
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = cmd.Start()
	write.Close()
	if err != nil {
		s.send(reply{ID: r.ID, Line: true, Output: err.Error()})
		return 127
	}
	group := func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	stop := context.AfterFunc(ctx, group)
	var output sync.WaitGroup
	output.Go(func() { s.copy(r.ID, read) })
	err = cmd.Wait()
	stop()
	group() // what the command left behind has the pipe's other end
	output.Wait()
	return status(cmd.ProcessState, err)
}

func status(p *os.ProcessState, err error) int {
	if p == nil {
		return 127
	}
	if w, is := p.Sys().(syscall.WaitStatus); is && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return p.ExitCode()
}

// copy sends output line by line.
func (s *server) copy(id uint64, from io.Reader) {
	lines := bufio.NewReaderSize(from, maxOutput)
	for {
		line, err := lines.ReadSlice('\n')
		if n := len(line); n > 0 {
			if line[n-1] == '\n' {
				line = line[:n-1]
			}
			if s.send(reply{ID: id, Line: true, Output: string(line)}) != nil {
				return
			}
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}
