package failover

import (
	"testing"
	"testing/synctest"
	"time"

	"vpnd/internal/resource"
)

func dead(p *peer)  { p.dead = true }
func alive(p *peer) { p.dead = false }

// The issue's own case: packets are dropped without a word.
func TestMovesWhereNobodyAnswersAndBack(t *testing.T) {
	for _, childless := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld("a", "b")
			for _, name := range []string{"a", "b"} {
				w.set(name, func(p *peer) { p.childless = childless })
			}
			p := play(t, w, "172.31.0.10")
			p.becomes(time.Second, "a")
			p.stays(time.Hour, "a")
			w.set("a", dead)
			if took := p.becomes(10*time.Second, "b"); took < 4*time.Second {
				t.Errorf("it took %s, in which nobody can know", took)
			}
			p.stays(10*time.Minute, "b")
			w.set("a", alive)
			if took := p.becomes(80*time.Second, "a"); took < 50*time.Second {
				t.Errorf("traffic went back after %s", took)
			}
			p.stays(time.Hour, "a")
			p.said("from peer of a to peer of b: no answer to 5 probes of 172.31.0.10",
				"from peer of b back to peer of a: it has been well for 1m0s")
		})
	}
}

// One that fails soon after each return is left alone longer each time.
func TestLeavesAloneWhatFailsAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a", "b")
		p := play(t, w, "172.31.0.10")
		p.becomes(time.Second, "a")
		var away []time.Duration
		for range 7 {
			p.stays(10*time.Second, "a")
			w.set("a", func(p *peer) { p.mute = true }) // IKE works, nothing else
			p.becomes(10*time.Second, "b")
			w.set("a", func(p *peer) { p.mute = false })
			away = append(away, p.becomes(time.Hour, "a").Round(time.Minute))
		}
		for i, minutes := range []time.Duration{1, 2, 4, 8, 16, 16, 16} {
			if away[i] != minutes*time.Minute {
				t.Errorf("it was left alone for %v", away)
				break
			}
		}
		p.stays(time.Hour, "a")
		w.set("a", dead)
		p.becomes(10*time.Second, "b")
		w.set("a", alive)
		p.becomes(80*time.Second, "a") // forgiven
	})
}

// A plan of another process knows what the agent knows.
func TestAnotherProcessComesToTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a", "b")
		p := play(t, w, "172.31.0.10")
		other := func() []string {
			v := Verbs{Records: p.verbs.Records, charon: w}
			got, err := v.Observe(t.Context(), map[string]*Failover{"vpc": &p.want})
			if err != nil {
				t.Fatal(err)
			}
			return got["vpc"].Moves
		}
		p.becomes(time.Second, "a")
		w.set("a", func(p *peer) { p.mute = true })
		p.becomes(10*time.Second, "b")
		for begun := time.Now(); time.Since(begun) < 50*time.Second; time.Sleep(time.Second) {
			if moves := other(); len(moves) > 0 {
				t.Fatalf("another process would move %q after %s", moves, time.Since(begun))
			}
		}
	})
}

// Traffic that comes in proves more than an answer to a ping.
func TestStaysWhereTrafficComesIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a", "b")
		p := play(t, w, "172.31.0.10")
		p.becomes(time.Second, "a")
		p.stays(time.Minute, "a")
		w.set("a", func(p *peer) { p.mute = true })
		for range 600 {
			w.set("a", func(p *peer) { p.in += 100 })
			p.stays(time.Second, "a")
		}
	})
}

// One that failed a short time ago, and that somebody else establishes, takes nothing
// over.
func TestComesUpBySomebodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a", "b")
		p := play(t, w, "172.31.0.10")
		p.becomes(time.Second, "a")
		p.stays(10*time.Second, "a")
		w.set("a", func(p *peer) { p.mute = true })
		p.becomes(10*time.Second, "b")
		time.Sleep(10 * time.Second)
		if err := w.initiate(t.Context(), "a", "a", time.Second); err != nil {
			t.Fatal(err)
		}
		p.becomes(time.Second, "b")
		p.stays(30*time.Second, "b")
	})
}

// What nobody ever answers through any of them, a probe or, as a syslog over UDP, traffic, is
// no reason to go back and forth.
func TestWhatNobodyEverAnswers(t *testing.T) {
	for _, probe := range [][]string{{"172.31.0.10"}, nil} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld("a", "b")
			for _, name := range []string{"a", "b"} {
				w.set(name, func(p *peer) { p.mute = true })
			}
			p := play(t, w, probe...)
			p.becomes(time.Second, "a")
			if probe == nil {
				go w.traffic(t.Context())
			}
			time.Sleep(10 * time.Minute)
			before := len(p.moved())
			if before > 4 {
				t.Errorf("moves: %q", p.moved())
			}
			p.stays(24*time.Hour, "a")
			if now := p.moved(); len(now) != before {
				t.Errorf("moves: %q", now)
			}
		})
	}
}

// Nothing is moved to who is not there, and who comes back first carries.
func TestBothDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a", "b")
		p := play(t, w, "172.31.0.10")
		p.becomes(time.Second, "a")
		p.stays(time.Minute, "a")
		w.set("a", dead)
		w.set("b", dead)
		time.Sleep(5 * time.Minute)
		w.set("b", alive)
		p.becomes(30*time.Second, "b")
		w.set("a", alive)
		p.becomes(90*time.Second, "a")
	})
}

// At boot nothing carries yet: the preferred one is called, or else the next.
func TestBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a", "b")
		w.set("a", dead)
		p := play(t, w, "172.31.0.10")
		p.becomes(10*time.Second, "b")
		p.stays(time.Hour, "b")
	})
}

// What somebody ended, or added, by hand is put right at once.
func TestByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a", "b")
		p := play(t, w, "172.31.0.10")
		p.becomes(time.Second, "a")
		p.stays(time.Minute, "a")
		w.set("a", func(p *peer) { clear(p.sas[0].Children) })
		w.news()
		p.becomes(time.Second, "a")
		if err := w.initiate(t.Context(), "b", "b", time.Second); err != nil {
			t.Fatal(err)
		}
		p.becomes(time.Second, "a")
		p.stays(time.Minute, "a")
		for _, name := range []string{"a", "b"} {
			w.set(name, func(p *peer) { p.sas = nil }) // charon starts anew
		}
		w.news()
		p.becomes(time.Second, "a")
		p.stays(time.Minute, "a")
	})
}

// One packet in ten that is lost by chance moves nothing.
func TestLossyLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a", "b")
		p := play(t, w, "172.31.0.10")
		p.becomes(time.Second, "a")
		for n := range 1000 {
			w.set("a", func(p *peer) { p.mute = n*7%10 == 0 || n*7%100 == 3 })
			p.stays(time.Second, "a")
		}
	})
}

// Without a probe, charon's own question and the traffic have to do.
func TestWithoutProbe(t *testing.T) {
	for _, c := range []struct {
		how     func(*peer)
		traffic bool
		within  time.Duration
		why     string
	}{
		{dead, true, 15 * time.Second, "from peer of a to peer of b: nothing has come in for 8s, though packets went out"},
		{dead, false, 20 * time.Second, "from peer of a to peer of b: it does not answer whether it is there"},
		{func(p *peer) { p.mute = true }, true, 15 * time.Second, "from peer of a to peer of b: nothing has come in for 8s, though packets went out"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld("a", "b")
			p := play(t, w)
			p.becomes(time.Second, "a")
			if c.traffic {
				go w.traffic(t.Context())
			}
			p.stays(time.Hour, "a")
			w.set("a", c.how)
			p.becomes(c.within, "b")
			p.said(c.why)
			w.set("a", func(p *peer) { p.dead, p.mute = false, false })
			p.becomes(80*time.Second, "a")
			p.stays(time.Hour, "a")
		})
	}
}

// Who may only look has no standby established; who may keeps it ready.
func TestStandsByWhereItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a", "b")
		p := play(t, w, "172.31.0.10")
		p.becomes(time.Second, "a")
		standby := func() int { w.mu.Lock(); defer w.mu.Unlock(); return len(w.peers["b"].sas) }
		p.stays(time.Minute, "a")
		if standby() != 1 {
			t.Error("the standby is not ready")
		}
		kind := resource.Define("ipsec_failover", "", Traits, p.verbs)
		kind.MayPrepare(false)
		w.set("b", func(p *peer) { p.sas, p.tries = nil, 0 })
		w.news()
		p.stays(10*time.Minute, "a")
		if standby() != 0 || w.peers["b"].tries != 0 {
			t.Errorf("who may only look made %d tries, and there are %d SAs", w.peers["b"].tries, standby())
		}
		kind.MayPrepare(true)
		p.stays(time.Minute, "a")
		if standby() != 1 {
			t.Error("the standby is not ready again")
		}
	})
}
