// Golden vectors of the state trees, made by the public Go implementations that Filecoin's actors use:
// go-hamt-ipld v3 (bit width 5, SHA-256) and go-amt-ipld v4. Run `go run . <folder>`; the folder gets
// hamt.json and amt.json. The same program always writes the same bytes.
//
// A case is a list of steps. A range step applies one operation to many keys, so that large cases stay small:
// {"op": "set", "from": 0, "to": 5000, "step": 1, "add": 7} sets key-0 … key-4999, each to its number plus 7.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	amt "github.com/filecoin-project/go-amt-ipld/v4"
	hamt "github.com/filecoin-project/go-hamt-ipld/v3"
	cid "github.com/ipfs/go-cid"
	cbor "github.com/ipfs/go-ipld-cbor"
	cbg "github.com/whyrusleeping/cbor-gen"
)

const origin = "computed by go-hamt-ipld v3.4.1 and go-amt-ipld v4.4.0 with vectors/generators/go-trees"
const licence = "facts computed by a program; the generator is Apache-2.0 OR MIT"

// number is a CBOR unsigned integer.
type number uint64

func (n number) MarshalCBOR(w io.Writer) error {
	return cbg.NewCborWriter(w).WriteMajorTypeHeader(cbg.MajUnsignedInt, uint64(n))
}

type step struct {
	Op   string `json:"op"`
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	Step uint64 `json:"step"`
	Add  uint64 `json:"add,omitempty"`
}

// single is one operation on one key (or index); a delete has no value.
type single struct {
	Key   uint64  `json:"key"`
	Value *uint64 `json:"value,omitempty"`
}

type checkpoint struct {
	Steps   []step   `json:"steps,omitempty"`
	Singles []single `json:"singles,omitempty"`
	Count   uint64   `json:"count"`
	Root    string   `json:"root"`
	// The encoded root node, for small trees.
	RootHex string `json:"rootHex,omitempty"`
}

type vector struct {
	Name        string       `json:"name"`
	BitWidth    uint         `json:"bitWidth"`
	Checkpoints []checkpoint `json:"checkpoints"`
}

type tree interface {
	set(key, value uint64)
	del(key uint64)
	flush() cid.Cid
}

var ctx = context.Background()

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// newStore gives nodes CIDs of version 1, dag-cbor, blake2b-256, as in Filecoin's state.
func newStore() *cbor.BasicIpldStore {
	store, ok := cbor.NewMemCborStore().(*cbor.BasicIpldStore)
	if !ok {
		panic("the in-memory store has another type")
	}
	return store
}

type hamtTree struct {
	store *cbor.BasicIpldStore
	node  *hamt.Node
}

func hamtKey(key uint64) string { return fmt.Sprintf("key-%d", key) }

func hamtOptions() []hamt.Option {
	return []hamt.Option{
		hamt.UseTreeBitWidth(5),
		hamt.UseHashFunction(func(in []byte) []byte { sum := sha256.Sum256(in); return sum[:] }),
	}
}

func newHamt(store *cbor.BasicIpldStore) *hamtTree {
	node, err := hamt.NewNode(store, hamtOptions()...)
	must(err)
	return &hamtTree{store, node}
}

func (t *hamtTree) set(key, value uint64) { must(t.node.Set(ctx, hamtKey(key), number(value))) }
func (t *hamtTree) del(key uint64) {
	_, err := t.node.Delete(ctx, hamtKey(key))
	must(err)
}

// Every flush is followed by a load, so that the vectors cover trees that come back from a store.
func (t *hamtTree) flush() cid.Cid {
	root, err := t.node.Write(ctx)
	must(err)
	t.node, err = hamt.LoadNode(ctx, t.store, root, hamtOptions()...)
	must(err)
	return root
}

type amtTree struct {
	store *cbor.BasicIpldStore
	root  *amt.Root
	width uint
}

func newAmt(store *cbor.BasicIpldStore, width uint) *amtTree {
	root, err := amt.NewAMT(store, amt.UseTreeBitWidth(width))
	must(err)
	return &amtTree{store, root, width}
}

func (t *amtTree) set(key, value uint64) { must(t.root.Set(ctx, key, number(value))) }
func (t *amtTree) del(key uint64) {
	_, err := t.root.Delete(ctx, key)
	must(err)
}
func (t *amtTree) flush() cid.Cid {
	root, err := t.root.Flush(ctx)
	must(err)
	t.root, err = amt.LoadAMT(ctx, t.store, root, amt.UseTreeBitWidth(t.width))
	must(err)
	return root
}

// run applies the operations of each checkpoint and fills in its count and root.
func run(name string, width uint, store *cbor.BasicIpldStore, t tree, checkpoints []checkpoint) vector {
	held := map[uint64]bool{}
	for i := range checkpoints {
		point := &checkpoints[i]
		for _, s := range point.Steps {
			for key := s.From; key < s.To; key += s.Step {
				if s.Op == "set" {
					t.set(key, key+s.Add)
					held[key] = true
				} else {
					t.del(key)
					delete(held, key)
				}
			}
		}
		for _, s := range point.Singles {
			if s.Value != nil {
				t.set(s.Key, *s.Value)
				held[s.Key] = true
			} else {
				t.del(s.Key)
				delete(held, s.Key)
			}
		}
		root := t.flush()
		point.Count = uint64(len(held))
		point.Root = root.String()
		if len(held) <= 4 {
			block, err := store.Blocks.Get(ctx, root)
			must(err)
			point.RootHex = hex.EncodeToString(block.RawData())
		}
	}
	return vector{name, width, checkpoints}
}

// random is a xorshift generator (Marsaglia 2003): the vectors must not depend on a library's generator.
type random uint64

func (r *random) below(n uint64) uint64 {
	x := uint64(*r)
	x ^= x << 13
	x ^= x >> 7
	x ^= x << 17
	*r = random(x)
	return x % n
}

// churn is a random history over few keys: many overwrites, deletes and re-inserts.
func churn(seed random, points, operations int, keys, scale uint64) []checkpoint {
	var out []checkpoint
	for range points {
		var singles []single
		for range operations {
			one := single{Key: seed.below(keys) * scale}
			if seed.below(5) < 3 {
				value := seed.below(1 << 40)
				one.Value = &value
			}
			singles = append(singles, one)
		}
		out = append(out, checkpoint{Singles: singles})
	}
	return out
}

// grow sets n keys, overwrites some, deletes a third, then down to three, then all.
func grow(n uint64) []checkpoint {
	all := []checkpoint{
		{Steps: []step{{"set", 0, n, 1, 7}}},
		{Steps: []step{{"set", 0, n, 5, 1000}}},
		{Steps: []step{{"delete", 0, n, 3, 0}}},
		{Steps: []step{{"delete", min(n, 5), n, 1, 0}}},
		{Steps: []step{{"delete", 0, n, 1, 0}}},
	}
	if n == 0 {
		return all[:1]
	}
	return all
}

// One case per line: diffs stay readable and the file small.
func write(folder, name, note string, cases []vector) {
	head, err := json.Marshal(map[string]string{"origin": origin, "licence": licence, "note": note})
	must(err)
	lines := make([]string, len(cases))
	for i, one := range cases {
		line, err := json.Marshal(one)
		must(err)
		lines[i] = string(line)
	}
	text := strings.TrimSuffix(string(head), "}") + ",\"cases\":[\n" + strings.Join(lines, ",\n") + "\n]}\n"
	must(os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644))
}

func main() {
	folder := os.Args[1]
	sizes := []uint64{0, 1, 3, 4, 33, 500, 5000}

	var maps []vector
	addMap := func(name string, points []checkpoint) {
		store := newStore()
		maps = append(maps, run(name, 5, store, newHamt(store), points))
	}
	for _, n := range sizes {
		addMap(fmt.Sprintf("grow %d", n), grow(n))
	}
	addMap("churn over 12 keys", churn(11, 6, 40, 12, 1))
	addMap("churn over 150 keys", churn(12, 6, 120, 150, 1))
	write(folder, "hamt.json", "keys are the ASCII bytes of key-N, values CBOR unsigned integers", maps)

	var lists []vector
	addList := func(name string, width uint, points []checkpoint) {
		store := newStore()
		lists = append(lists, run(name, width, store, newAmt(store, width), points))
	}
	for _, width := range []uint{1, 2, 3, 5, 8} {
		for _, n := range sizes {
			addList(fmt.Sprintf("grow %d, width 2^%d", n, width), width, grow(n))
		}
		addList(fmt.Sprintf("churn, sparse, width 2^%d", width), width, churn(random(20+width), 6, 40, 1<<12, 977))
		addList(fmt.Sprintf("churn, far apart, width 2^%d", width), width, churn(random(30+width), 6, 20, 9, 1<<48))
	}
	write(folder, "amt.json", "indexes are numbers below 2^53, values CBOR unsigned integers", lists)
}
