package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// commonPorts are those that are left open by mistake most often: administration, databases, caches, brokers, debuggers, metrics.
var commonPorts = []int{
	21, 22, 23, 25, 53, 80, 81, 110, 111, 135, 139, 143, 389, 443, 445, 465, 587, 636, 873, 993, 995, 1080, 1099, 1433, 1521, 1883, 2049, 2181, 2222, 2375, 2376, 2379, 2380,
	3000, 3128, 3306, 3389, 4000, 4040, 4200, 4369, 4444, 4567, 5000, 5005, 5044, 5432, 5555, 5601, 5672, 5900, 5984, 5985, 6060, 6066, 6379, 6443, 7000, 7001, 7077, 7199, 7474, 7687,
	8000, 8001, 8008, 8025, 8080, 8081, 8082, 8083, 8086, 8088, 8090, 8091, 8123, 8161, 8200, 8300, 8443, 8500, 8529, 8787, 8834, 8848, 8883, 8888, 8983, 9000, 9001, 9042, 9090, 9091,
	9092, 9093, 9100, 9200, 9229, 9300, 9411, 9443, 9600, 9901, 9999, 10000, 10250, 10255, 11211, 15000, 15020, 15672, 16686, 26379, 27017, 28015, 50000, 50070, 61616,
}

const (
	portsAtATime = 4
	portWait     = 2 * time.Second
)

type portState int

const (
	portClosed portState = iota
	portOpen
	portSilent
)

// ports tries the common ports that were not declared. A port that stays silent counts as closed only when the target itself still
// answers afterwards: then something drops what it should drop.
func (o *Options) ports(ctx context.Context, t *target) Check {
	var try []int
	for _, p := range commonPorts {
		if !o.declared(t, p) {
			try = append(try, p)
		}
	}
	states := o.tryPorts(ctx, t, try)
	var open, silent []int
	for _, p := range try {
		switch states[p] {
		case portOpen:
			open = append(open, p)
		case portSilent:
			silent = append(silent, p)
		}
	}
	tried := fmt.Sprintf("%d common ports were tried", len(try))
	switch {
	case len(open) > 0:
		return portCheck.check(Fail, "open and not declared: "+portList(open), tried+".")
	case ctx.Err() != nil:
		return portCheck.check(Unknown, "no open port among those tried", "The time ran out before every port was tried.")
	case len(silent) > 0 && o.touch(ctx, t) != nil:
		return portCheck.check(Unknown, "no answer from "+portList(silent), "The target itself stopped answering meanwhile.")
	case len(silent) > 0:
		return portCheck.check(Pass, "no undeclared port is open", fmt.Sprintf("%s; %d gave no answer while the target did, so something drops them.", tried, len(silent)))
	}
	return portCheck.check(Pass, "no undeclared port is open", tried+", and each was refused.")
}

func (o *Options) tryPorts(ctx context.Context, t *target, list []int) map[int]portState {
	states := map[int]portState{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for part := range slices.Chunk(list, (len(list)+portsAtATime-1)/portsAtATime) {
		all.Go(func() {
			for _, p := range part {
				state := o.tryPort(ctx, t, p)
				mu.Lock()
				states[p] = state
				mu.Unlock()
				if pause(ctx, 2*time.Millisecond) != nil {
					return
				}
			}
		})
	}
	all.Wait()
	return states
}

func (o *Options) tryPort(ctx context.Context, t *target, port int) portState {
	ctx, cancel := context.WithTimeout(ctx, min(o.Timeout, portWait))
	defer cancel()
	conn, err := o.Dialer.DialContext(ctx, "tcp", net.JoinHostPort(t.host, strconv.Itoa(port)))
	switch {
	case err == nil:
		conn.Close()
		return portOpen
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET):
		return portClosed
	}
	return portSilent
}
