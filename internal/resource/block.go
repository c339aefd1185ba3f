package resource

// A Composite is a block that stands for several resources.
type Composite struct {
	Name string
	Doc  string // one sentence or more, for vpnd explain
	New  func() Expander
}

// An Expander is the shape of a composite. Expand is a pure function from the
// block, its defaults filled in, to resources; it sets neither owners nor the
// order between blocks, which the configuration does. It is called after
// Validate found nothing wrong.
type Expander interface {
	Expand(name string) ([]Resource, error)
}

// Compose makes a composite of its shape.
func Compose[T any, P interface {
	*T
	Expander
}](name, doc string) Composite {
	return Composite{Name: name, Doc: doc, New: func() Expander { return P(new(T)) }}
}

// A Validator is a shape, of a kind or a composite, that can tell without a
// host what is wrong with a block: everything at once. An attribute may be
// missing although it is required; that was told.
type Validator interface {
	Validate(name string) []Mistake
}

// A Mistake is one thing wrong with a block.
type Mistake struct {
	Path    string // the attribute or nested block: "keepalive.restart", "client.guest.address"; empty means the block or its label
	Summary string // what is wrong, a sentence without its full stop
	Hint    string // the way out
	Warning bool   // it works, but there is a better way
}

// An Exporter is a composite that has more to tell than its attributes: Exports
// returns a struct with vpnd tags, all of it known without the host, and never
// key material.
type Exporter interface {
	Exports(name string) any
}

// A Pointer is the type of a field, read from text, that takes a whole block too: what
// this tells others under the first of some names that it has.
type Pointer interface {
	Points() []string
}

// A Successor is the shape of a kind that is another one behind certain things.
// ComesAfter tells it, once the configuration is in order, of all that comes
// before it, blocks taken apart, and what the kinds of these are.
type Successor interface {
	ComesAfter(name string, before []ID, is func(kind string) Traits)
}

// A Queuer is the shape of a kind whose things stand in a queue, such as the
// chains that a hook jumps to: the lower its rank, the farther in front. Queue
// returns an empty queue where the thing stands in none. Stands tells it, once
// the configuration is in order, the names of all in its queue, the first one
// first, itself among them; Joins does so by another one of the queue, a shape of
// the same kind that knows already, so that a long queue is kept once.
type Queuer interface {
	Queue(name string) (queue string, rank int)
	Stands(names []string)
	Joins(other any)
}

// Last is the rank of what stands behind all else, whatever depends on it; other
// ranks are less.
const Last = 1000

// An Aliased is the shape of a kind whose things may have more than one name.
type Aliased interface {
	// Aliases returns the other names of the same thing.
	Aliases(name string) []string
	// Contradicts says whether what is wished of the thing under both names can't
	// be had; other is a shape of the same kind.
	Contradicts(name, alias string, other any) bool
}

// A Claimer is a shape that needs something for itself alone.
type Claimer interface {
	Claims(name string) []Claim
}

// A Claim is something that two blocks can't share. Equal values of one sort
// conflict; networks, written as CIDR, conflict where they overlap.
type Claim struct {
	Sort  string // "listener", "device", "network"
	Value string // "udp/1194", "tun0", "10.8.0.0/24"
	Path  string // the attribute that says so
}

// A Writer is a shape whose program opens files of its own, by their names and as
// root: nobody else may be able to put a link there, and nothing that is managed
// may lie there. The sort of such a claim is "file".
type Writer interface {
	Writes() []Claim
}

// A Runner is a shape for which vpnd runs a program as root: nobody else may be able
// to put another in its place. The sort of such a claim is "program".
type Runner interface {
	Runs() []Claim
}

// A Block is one block of a configuration, and its name.
type Block struct {
	ID    ID
	Shape any // *T of its kind or composite, defaults filled in
}

// A Finding is a mistake that shows only beside other blocks.
type Finding struct {
	Block ID // at which it is told
	Mistake
}

// A Catalog is every kind and composite that vpnd has.
type Catalog struct {
	Image      bool // of a root file system that does not run: nothing else of its host can be asked
	Kinds      []Kind
	Composites []Composite
	Review     func([]Block) []Finding // what is wrong between blocks that are each right; may be nil
}

// Kind returns the kind of that name.
func (c Catalog) Kind(name string) (Kind, bool) {
	if k := c.Find(name); k != nil {
		return *k, true
	}
	return Kind{}, false
}

// Find returns the kind of that name in the catalog itself, nil where it has none.
func (c Catalog) Find(name string) *Kind {
	for i := range c.Kinds {
		if c.Kinds[i].Name == name {
			return &c.Kinds[i]
		}
	}
	return nil
}

// Composite returns the composite of that name.
func (c Catalog) Composite(name string) (Composite, bool) {
	for _, k := range c.Composites {
		if k.Name == name {
			return k, true
		}
	}
	return Composite{}, false
}
