package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/filecoin-project/go-hamt-ipld/v3"
	block "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	cbor "github.com/ipfs/go-ipld-cbor"
	cbg "github.com/whyrusleeping/cbor-gen"
	"golang.org/x/crypto/blake2b"
)

// blocks is a store in memory without locks.
type blocks map[cid.Cid]block.Block

func (b blocks) Get(_ context.Context, c cid.Cid) (block.Block, error) {
	found, ok := b[c]
	if !ok {
		return nil, fmt.Errorf("%s is missing", c)
	}
	return found, nil
}

func (b blocks) Put(_ context.Context, one block.Block) error {
	b[one.Cid()] = one
	return nil
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// keyOf is an actor's address; placeOf are places all over the table. Both as in bench/benches/state.ts.
func keyOf(index int) string {
	digest := blake2b.Sum256([]byte(fmt.Sprintf("actor %d", index)))
	return "\x01" + string(digest[:20])
}

func placeOf(at, count int) int { return (at*7_919 + 13) % count }

func sha(bytes []byte) []byte {
	digest := sha256.Sum256(bytes)
	return digest[:]
}

func report(work string, value float64) {
	fmt.Printf("{\"work\":%q,\"name\":\"go-hamt-ipld v3 (Go)\",\"value\":%g}\n", work, value)
}

// actorTable fills, reads and changes the table of all actors, and compares its roots with those that it is given.
func actorTable(args []string) {
	number := func(at int) int { return must(strconv.Atoi(args[at])) }
	count, reads, rounds, changes, singles := number(0), number(1), number(2), number(3), number(4)
	record := &cbg.Deferred{Raw: must(hex.DecodeString(args[5]))}
	changed := &cbg.Deferred{Raw: must(hex.DecodeString(args[6]))}
	ctx := context.Background()
	store := cbor.NewCborStore(blocks{})
	options := []hamt.Option{hamt.UseTreeBitWidth(5), hamt.UseHashFunction(sha)}

	var root cid.Cid
	seconds := secondsOf(1, func() {
		table := must(hamt.NewNode(store, options...))
		for index := range count {
			check(table.Set(ctx, keyOf(index), record))
		}
		root = must(table.Write(ctx))
	})
	expect(root, args[7])
	report("hamt-fill", float64(count)/seconds)

	seconds = secondsOf(1, func() {
		table := must(hamt.LoadNode(ctx, store, root, options...))
		for at := range reads {
			var found cbg.Deferred
			if !must(table.Find(ctx, keyOf(placeOf(at, count)), &found)) {
				panic("an actor is missing")
			}
		}
	})
	report("hamt-get", float64(reads)/seconds)

	times := make([]float64, rounds)
	for round := range times {
		times[round] = secondsOf(1, func() {
			table := must(hamt.LoadNode(ctx, store, root, options...))
			for at := range changes {
				check(table.Set(ctx, keyOf(placeOf(round*changes+at, count)), changed))
			}
			root = must(table.Write(ctx))
		})
	}
	expect(root, args[8])
	slices.Sort(times)
	report("hamt-block", 1/quantile(times, 0.5))

	seconds = secondsOf(1, func() {
		table := must(hamt.LoadNode(ctx, store, root, options...))
		for at := range singles {
			check(table.Set(ctx, keyOf(placeOf(at, count)), record))
			must(table.Write(ctx))
		}
	})
	report("hamt-single", float64(singles)/seconds)
}

func expect(root cid.Cid, wanted string) {
	if root.String() == wanted {
		return
	}
	fmt.Fprintf(os.Stderr, "the root is %s and not %s\n", root, wanted)
	os.Exit(1)
}
