// Golden vectors of imported files: the UnixFS layout that `ipfs add --cid-version=1` makes (256 KiB chunks,
// raw leaves, balanced, 174 links, SHA-256), built by boxo, the library in which Kubo keeps its importer, and
// the CARv1 stream of each by go-car. Run `go run . <folder>`; the folder gets files.json. The same program
// always writes the same bytes.
//
// Patterns: "mixed" has at offset i the highest byte of (i * 2654435761) mod 2^32; "zeros" is zeros, so that
// all of its full leaves are one block.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	chunker "github.com/ipfs/boxo/chunker"
	"github.com/ipfs/boxo/ipld/merkledag"
	mdtest "github.com/ipfs/boxo/ipld/merkledag/test"
	"github.com/ipfs/boxo/ipld/unixfs/importer/balanced"
	"github.com/ipfs/boxo/ipld/unixfs/importer/helpers"
	cid "github.com/ipfs/go-cid"
	format "github.com/ipfs/go-ipld-format"
	carv2 "github.com/ipld/go-car/v2"
	"github.com/ipld/go-car/v2/storage"
)

const origin = "computed by boxo v0.39.0 and go-car v2.17.0 with vectors/generators/go-unixfs"
const licence = "facts computed by a program; the generator is Apache-2.0 OR MIT"
const chunkBytes = 262144

type file struct {
	Name      string `json:"name"`
	Pattern   string `json:"pattern"`
	SizeBytes int    `json:"sizeBytes"`
	// What `ipfs add --chunker=size-…` is given; small chunks make deep trees of small files.
	ChunkBytes int    `json:"chunkBytes"`
	Root       string `json:"root"`
	CarBytes   int    `json:"carBytes"`
	CarSha256  string `json:"carSha256"`
}

func content(pattern string, size int) []byte {
	data := make([]byte, size)
	if pattern == "mixed" {
		for i := range data {
			data[i] = byte((uint32(i) * 2654435761) >> 24)
		}
	}
	return data
}

func add(name, pattern string, size, chunk int) file {
	ctx := context.Background()
	dag := mdtest.Mock()
	builder, err := merkledag.PrefixForCidVersion(1)
	check(err)
	params := helpers.DagBuilderParams{Maxlinks: 174, RawLeaves: true, CidBuilder: builder, Dagserv: dag}
	helper, err := params.New(chunker.NewSizeSplitter(bytes.NewReader(content(pattern, size)), int64(chunk)))
	check(err)
	root, err := balanced.Layout(helper)
	check(err)
	digest := sha256.New()
	count := &counter{}
	out, err := storage.NewWritable(io.MultiWriter(digest, count), []cid.Cid{root.Cid()}, carv2.WriteAsCarV1(true))
	check(err)
	seen := cid.NewSet()
	links := func(ctx context.Context, c cid.Cid) ([]*format.Link, error) {
		node, err := dag.Get(ctx, c)
		if err != nil {
			return nil, err
		}
		return node.Links(), out.Put(ctx, c.KeyString(), node.RawData())
	}
	check(merkledag.Walk(ctx, links, root.Cid(), seen.Visit))
	check(out.Finalize())
	return file{name, pattern, size, chunk, root.Cid().String(), count.bytes, hex.EncodeToString(digest.Sum(nil))}
}

type counter struct{ bytes int }

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += len(p)
	return len(p), nil
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	files := []file{
		add("one byte", "mixed", 1, chunkBytes),
		add("127 bytes", "mixed", 127, chunkBytes),
		add("one chunk less a byte", "mixed", chunkBytes-1, chunkBytes),
		add("one chunk", "mixed", chunkBytes, chunkBytes),
		add("one chunk and a byte", "mixed", chunkBytes+1, chunkBytes),
		add("1 MiB and 7 bytes", "mixed", 1048576+7, chunkBytes),
		add("1 MiB of zeros", "zeros", 1048576, chunkBytes),
		add("1 MiB and 1 byte of zeros", "zeros", 1048577, chunkBytes),
		add("174 chunks, one full node", "mixed", 174*chunkBytes, chunkBytes),
		add("174 chunks and a byte, two levels", "mixed", 174*chunkBytes+1, chunkBytes),
		add("50 MiB", "mixed", 50*1048576, chunkBytes),
		add("348 chunks and a byte", "mixed", 348*chunkBytes+1, chunkBytes),
		add("174 x 174 small chunks", "mixed", 174*174*16, 16),
		add("three levels", "mixed", 174*174*16+1, 16),
		add("three levels and more", "mixed", 2*174*174*16+175*16+5, 16),
		add("three levels of zeros", "zeros", 174*174*16+1, 16),
	}
	out, err := json.MarshalIndent(map[string]any{"origin": origin, "licence": licence, "files": files}, "", "  ")
	check(err)
	check(os.WriteFile(filepath.Join(os.Args[1], "files.json"), append(out, '\n'), 0o644))
}
