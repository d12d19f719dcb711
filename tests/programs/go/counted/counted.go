// Package counted is what the three programs have in common: the numbers that they count, and the line that tells them.
package counted

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

const (
	// Topic is written to and read from.
	Topic = "orders"
	// Partitions that it has, and Replicas of each.
	Partitions, Replicas = 6, 3
	// Group of the readers.
	Group = "readers"
	// First is how many records two members of the group share, More how many one finds that comes after they left.
	First, More = 3000, 500
	// Patience is how long a program may take.
	Patience = 90 * time.Second
)

// Servers to connect to.
func Servers() []string {
	return strings.Split(os.Getenv("BOOTSTRAP_SERVERS"), ",")
}

// Counts are what a program tells.
type Counts struct {
	Written   int   `json:"written"`
	Read      int   `json:"read"`
	Members   int   `json:"members that read"`
	Resumed   int   `json:"resumed"`
	Twice     int   `json:"twice"`
	Wrong     int   `json:"wrong"`
	Committed int64 `json:"committed"`
}

// Ledger knows which numbers came, and through whom.
type Ledger struct {
	lock    sync.Mutex
	seen    map[string]bool
	members map[string]bool
	counts  *Counts
	wanted  int
	changed chan struct{}
}

// NewLedger for the counts.
func NewLedger(counts *Counts) *Ledger {
	return &Ledger{seen: map[string]bool{}, members: map[string]bool{}, counts: counts, changed: make(chan struct{}, 1)}
}

// Key and Value of the record of a number.
func Key(number int) []byte { return fmt.Appendf(nil, "key-%d", number%100) }

// Value of the record of a number.
func Value(number int) []byte { return fmt.Appendf(nil, "%d", number) }

// Saw notes a record that a member was given.
func (l *Ledger) Saw(member string, key, value []byte) {
	l.lock.Lock()
	defer l.lock.Unlock()
	var number int
	if _, err := fmt.Sscanf(string(value), "%d", &number); err != nil || string(Key(number)) != string(key) {
		l.counts.Wrong++
	}
	if l.seen[string(value)] {
		l.counts.Twice++
	}
	l.seen[string(value)] = true
	l.members[member] = true
	l.counts.Members = len(l.members)
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// Wait until so many different numbers came.
func (l *Ledger) Wait(ctx context.Context, numbers int) {
	for {
		l.lock.Lock()
		have := len(l.seen)
		l.lock.Unlock()
		if have >= numbers {
			return
		}
		select {
		case <-l.changed:
		case <-ctx.Done():
			Fail(fmt.Errorf("%d of %d records were read", have, numbers))
		}
	}
}

// Seen is how many different numbers came.
func (l *Ledger) Seen() int {
	l.lock.Lock()
	defer l.lock.Unlock()
	return len(l.seen)
}

// Until asks again until it is true.
func Until(ctx context.Context, what string, find func() (bool, error)) {
	var last error
	for {
		found, err := find()
		if err == nil && found {
			return
		}
		last = err
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			Fail(fmt.Errorf("not yet so: %s (%v)", what, last))
		}
	}
}

// Check ends the program if there is an error.
func Check(err error) {
	if err != nil {
		Fail(err)
	}
}

// Fail ends the program.
func Fail(err error) {
	line, _ := json.Marshal(map[string]string{"error": err.Error()})
	fmt.Println(string(line))
	os.Exit(1)
}

// Tell prints the counts beside the version of a module.
func Tell(module string, counts *Counts) {
	version := "?"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dependency := range info.Deps {
			if dependency.Path == module {
				version = strings.TrimPrefix(dependency.Version, "v")
			}
		}
	}
	line, err := json.Marshal(map[string]any{"version": version, "counts": counts})
	Check(err)
	fmt.Println(string(line))
}
