package failover

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"vpnd/internal/resource"
)

// A dead tunnel is known after some seven seconds: the last answer came just before it
// died, the next probe goes out a rhythm later and is lost after a hurry, as are those
// after it, one after the other. At one packet in ten that is lost by mere chance, that
// many in a row are lost once in some two days.
const (
	rhythm = 2 * time.Second // between probes that are answered
	hurry  = time.Second     // an answer may take as long
	losses = 5               // in a row, after which a tunnel is dead
	survey = 5 * time.Second // between looks at charon where no event asks for one
	knocks = 9 * time.Second // between attempts to reach a peer
)

// Without a probe there is less to go by. A peer that leaves charon's own question
// whether it is there (dead peer detection, asked after dpd_delay without a packet) open
// for longer than a patience is dead. One that answers it, and lets nothing through, is found by the
// traffic: that out goes what is never answered. There is traffic that nobody answers, so
// that this may be wrong; then a move costs nothing, and the next one comes later each time.
const (
	patience = 3 * time.Second
	quiet    = 8 * time.Second // nothing came in
	growth   = 3               // looks between which something went out meanwhile
)

// A sentry watches one failover.
type sentry struct {
	verbs Verbs
	name  string
	want  Failover
	past  *past
	kick  func(resource.Hint)
	event chan struct{}

	looked  time.Time
	posts   []*post // the connections that are probed
	told    string  // the last move that was kicked for
	kicked  time.Time
	next    map[string]time.Time // when to ask a peer that is not ready
	knocked sync.WaitGroup
}

// A post is what a sentry knows of a connection that it probes.
type post struct {
	name    string
	through string // interface; empty where policies decide
	lost    int    // probes in a row
	in      uint64 // bytes that had come in when the first of them was lost

	out  uint64    // bytes that had gone out at the last look
	grew int       // looks at which there were more, since something came in
	mute time.Time // the first of them
}

func (s *sentry) run(ctx context.Context) {
	s.next = make(map[string]time.Time)
	defer s.knocked.Wait()
	for ctx.Err() == nil {
		wait := s.probe(ctx)
		if wait == 0 || len(s.want.Probe) == 0 || time.Since(s.looked) >= survey {
			s.look(ctx)
		}
		select {
		case <-ctx.Done():
		case <-s.event:
			s.look(ctx)
		case <-time.After(wait):
		}
	}
}

// probe asks through all that is to be probed, and returns how long to wait then:
// where one was lost, a hurry has passed.
func (s *sentry) probe(ctx context.Context) time.Duration {
	if len(s.want.Probe) == 0 {
		return rhythm
	}
	probe := s.verbs.probe
	if probe == nil {
		probe = answered
	}
	var all sync.WaitGroup
	for _, p := range s.posts {
		all.Go(func() {
			if probe(ctx, s.want.Probe, p.through, hurry) {
				p.lost = 0
				s.past.answer(p.name, time.Now())
			} else if ctx.Err() == nil {
				p.lost++
			}
		})
	}
	all.Wait()
	if slices.ContainsFunc(s.posts, func(p *post) bool { return p.lost > 0 && p.lost <= losses }) {
		return 0
	}
	return rhythm
}

// look asks charon, judges, and kicks where something has to move.
func (s *sentry) look(ctx context.Context) {
	s.looked = time.Now()
	all, _, err := s.verbs.candidates(ctx, s.name, s.want)
	if err != nil {
		return // the pass that comes next says so
	}
	s.place(all)
	for _, c := range all {
		s.past.asked(c.Name, c.unanswered(), s.looked)
	}
	doubt := s.doubt
	if len(s.want.Probe) == 0 {
		doubt = s.listen
	}
	if doubt(all) {
		if all, _, err = s.verbs.candidates(ctx, s.name, s.want); err != nil {
			return
		}
	}
	var got Failover
	if s.verbs.stands(ctx, s.name, s.want, &got) != nil {
		return
	}
	if len(got.Moves) > 0 { // whom to call is for the move to say
		s.alarm(strings.Join(got.Moves, "; "))
		return
	}
	s.told = ""
	if !s.want.routes() && s.verbs.Memory != nil && s.verbs.Memory.prepares.Load() {
		for _, c := range all {
			s.knock(ctx, c)
		}
	}
}

// place says what is probed: what carries, or, where each has an interface, all that
// could.
func (s *sentry) place(all []candidate) {
	var posts []*post
	for _, c := range all {
		if !c.carries && (!s.want.routes() || !c.ready) {
			continue
		}
		p := &post{name: c.Name}
		if i := slices.IndexFunc(s.posts, func(p *post) bool { return p.name == c.Name }); i >= 0 {
			p = s.posts[i]
		}
		if s.want.routes() {
			p.through = s.want.Interfaces[slices.Index(s.want.Connections, c.Name)]
		}
		if p.lost <= 1 && len(s.want.Probe) > 0 {
			p.in = c.received()
		}
		posts = append(posts, p)
	}
	s.posts = posts
}

// doubt gives up what does not answer, and through which nothing else came in
// meanwhile; it says whether there is such a thing. New keys begin to count anew,
// which passes for something that came in.
func (s *sentry) doubt(all []candidate) (any bool) {
	for _, p := range s.posts {
		i := slices.IndexFunc(all, func(c candidate) bool { return c.Name == p.name })
		if p.lost < losses {
			continue
		}
		if in := all[i].received(); in != p.in {
			p.lost, p.in = 0, in
			continue
		}
		if s.past.pointless(s.want.Connections) {
			continue
		}
		s.past.fail(p.name, fmt.Sprintf("no answer to %d probes of %s", losses, addresses(s.want.Probe)), s.want.settle(), time.Now())
		any = true
	}
	return any
}

// listen does the same without a probe, by what charon asks the peer, and by what goes
// in and out.
func (s *sentry) listen(all []candidate) (any bool) {
	for _, p := range s.posts {
		c := all[slices.IndexFunc(all, func(c candidate) bool { return c.Name == p.name })]
		in, out := c.received(), c.sent()
		switch {
		case in != p.in || out < p.out:
			p.in, p.grew, p.mute = in, 0, time.Time{}
			if in > 0 {
				s.past.answer(p.name, s.looked)
			}
		case out > p.out:
			if p.grew++; p.mute.IsZero() {
				p.mute = s.looked
			}
		}
		p.out = out
		why := ""
		switch {
		case s.past.unanswered(p.name, s.looked) > patience:
			why = "it does not answer whether it is there"
		case p.grew >= growth && s.looked.Sub(p.mute) >= quiet && !s.past.pointless(s.want.Connections):
			why = fmt.Sprintf("nothing has come in for %s, though packets went out", quiet)
		default:
			continue
		}
		s.past.fail(p.name, why, s.want.settle(), s.looked)
		any = true
	}
	return any
}

func addresses(all []netip.Addr) string {
	words := make([]string, len(all))
	for i, a := range all {
		words[i] = a.String()
	}
	return strings.Join(words, ", ")
}

// alarm kicks, and again where it was in vain.
func (s *sentry) alarm(moves string) {
	if now := time.Now(); moves != s.told || now.Sub(s.kicked) > survey {
		s.told, s.kicked = moves, now
		s.kick(resource.Hint{Name: s.name})
	}
}

// knock establishes the IKE SA of a connection that carries nothing, without child
// SAs.
func (s *sentry) knock(ctx context.Context, c candidate) {
	now := time.Now()
	if c.carries || c.ready || now.Before(s.next[c.Name]) || !s.past.due(c.Name, s.want.settle(), now) {
		return
	}
	s.next[c.Name] = now.Add(knocks)
	s.knocked.Go(func() {
		busy := s.past.establishing(c.Name)
		if !busy.TryLock() { // somebody is at it
			return
		}
		defer busy.Unlock()
		err := s.verbs.swan().initiate(ctx, c.Name, "", attempt)
		s.past.knocked(c.Name, err, time.Now())
		if err != nil {
			_ = s.verbs.endAttempts(ctx, c.Name, false)
		}
		select { // whether it answers may decide where to move
		case s.event <- struct{}{}:
		default:
		}
	})
}
