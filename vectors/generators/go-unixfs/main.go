// Golden vectors of imported files: the UnixFS layout that `ipfs add` makes (256 KiB chunks, balanced, 174 links,
// SHA-256; raw leaves or not, CIDs of version 1 or 0), built by boxo, the library in which Kubo keeps its importer, and
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
	"strings"

	chunker "github.com/ipfs/boxo/chunker"
	"github.com/ipfs/boxo/ipld/merkledag"
	mdtest "github.com/ipfs/boxo/ipld/merkledag/test"
	"github.com/ipfs/boxo/ipld/unixfs"
	"github.com/ipfs/boxo/ipld/unixfs/importer/balanced"
	"github.com/ipfs/boxo/ipld/unixfs/importer/helpers"
	uio "github.com/ipfs/boxo/ipld/unixfs/io"
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
	CidVersion int    `json:"cidVersion"`
	RawLeaves  bool   `json:"rawLeaves"`
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

// What `ipfs add` is told with --cid-version and --raw-leaves.
type layout struct {
	cidVersion int
	rawLeaves  bool
}

var usual = layout{1, true}
var others = []layout{{0, false}, {0, true}, {1, false}}

func (l layout) name() string {
	return fmt.Sprintf("version %d, raw leaves %t", l.cidVersion, l.rawLeaves)
}

func (l layout) file(dag format.DAGService, data []byte, chunk int) format.Node {
	builder, err := merkledag.PrefixForCidVersion(l.cidVersion)
	check(err)
	params := helpers.DagBuilderParams{Maxlinks: 174, RawLeaves: l.rawLeaves, CidBuilder: builder, Dagserv: dag}
	helper, err := params.New(chunker.NewSizeSplitter(bytes.NewReader(data), int64(chunk)))
	check(err)
	root, err := balanced.Layout(helper)
	check(err)
	return root
}

func add(name, pattern string, size, chunk int) file {
	return addAs(usual, name, pattern, size, chunk)
}

func addAs(as layout, name, pattern string, size, chunk int) file {
	ctx := context.Background()
	dag := mdtest.Mock()
	root := as.file(dag, content(pattern, size), chunk)
	carBytes, carSha256 := carOf(ctx, dag, root.Cid())
	return file{name, pattern, size, chunk, as.cidVersion, as.rawLeaves, root.Cid().String(), carBytes, carSha256}
}

func carOf(ctx context.Context, dag format.DAGService, root cid.Cid) (int, string) {
	digest := sha256.New()
	count := &counter{}
	out, err := storage.NewWritable(io.MultiWriter(digest, count), []cid.Cid{root}, carv2.WriteAsCarV1(true))
	check(err)
	seen := cid.NewSet()
	links := func(ctx context.Context, c cid.Cid) ([]*format.Link, error) {
		node, err := dag.Get(ctx, c)
		if err != nil {
			return nil, err
		}
		return node.Links(), out.Put(ctx, c.KeyString(), node.RawData())
	}
	check(merkledag.Walk(ctx, links, root, seen.Visit))
	check(out.Finalize())
	return count.bytes, hex.EncodeToString(digest.Sum(nil))
}

// An entry is a file of the pattern "mixed", a symbolic link, or a folder. The folder has all of them, and `many`
// small files: number i is named "entry-" and i in eight digits, and has i % 7 bytes.
type entry struct {
	Path      string `json:"path"`
	Kind      string `json:"kind"`
	SizeBytes int    `json:"sizeBytes"`
	Target    string `json:"target"`
}

type folder struct {
	Name       string  `json:"name"`
	Entries    []entry `json:"entries"`
	Many       int     `json:"many"`
	CidVersion int     `json:"cidVersion"`
	RawLeaves  bool    `json:"rawLeaves"`
	Root       string  `json:"root"`
	CarBytes   int     `json:"carBytes"`
	CarSha256  string  `json:"carSha256"`
}

// What one folder holds while it is made.
type tree struct {
	nodes   map[string]format.Node
	folders map[string]*tree
}

func addFolder(name string, many int, entries ...entry) folder {
	return addFolderAs(usual, name, many, entries...)
}

func addFolderAs(as layout, name string, many int, entries ...entry) folder {
	ctx := context.Background()
	dag := mdtest.Mock()
	builder, err := merkledag.PrefixForCidVersion(as.cidVersion)
	check(err)
	top := &tree{map[string]format.Node{}, map[string]*tree{}}
	leaf := func(size int) format.Node {
		return as.file(dag, content("mixed", size), chunkBytes)
	}
	for _, each := range entries {
		at := top
		names := strings.Split(each.Path, "/")
		last := names[len(names)-1]
		for _, part := range names[:len(names)-1] {
			at = at.below(part)
		}
		switch each.Kind {
		case "file":
			at.nodes[last] = leaf(each.SizeBytes)
		case "folder":
			at.below(last)
		case "symlink":
			data, err := unixfs.SymlinkData(each.Target)
			check(err)
			node := merkledag.NodeWithData(data)
			check(node.SetCidBuilder(builder))
			check(dag.Add(ctx, node))
			at.nodes[last] = node
		}
	}
	for i := 0; i < many; i++ {
		top.nodes[fmt.Sprintf("entry-%08d", i)] = leaf(i % 7)
	}
	var build func(at *tree) format.Node
	build = func(at *tree) format.Node {
		out, err := uio.NewDirectory(dag, uio.WithCidBuilder(builder))
		check(err)
		for part, below := range at.folders {
			check(out.AddChild(ctx, part, build(below)))
		}
		for part, node := range at.nodes {
			check(out.AddChild(ctx, part, node))
		}
		node, err := out.GetNode()
		check(err)
		check(dag.Add(ctx, node))
		return node
	}
	root := build(top).Cid()
	carBytes, carSha256 := carOf(ctx, dag, root)
	if entries == nil {
		entries = []entry{}
	}
	return folder{name, entries, many, as.cidVersion, as.rawLeaves, root.String(), carBytes, carSha256}
}

func (at *tree) below(name string) *tree {
	if at.folders[name] == nil {
		at.folders[name] = &tree{map[string]format.Node{}, map[string]*tree{}}
	}
	return at.folders[name]
}

func write(name string, key string, values any) {
	out, err := json.MarshalIndent(map[string]any{"origin": origin, "licence": licence, key: values}, "", "  ")
	check(err)
	check(os.WriteFile(filepath.Join(os.Args[1], name), append(out, '\n'), 0o644))
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
	for _, as := range others {
		for _, size := range []int{1, chunkBytes, chunkBytes + 1, 1048576 + 7} {
			files = append(files, addAs(as, fmt.Sprintf("%d bytes, %s", size, as.name()), "mixed", size, chunkBytes))
		}
		files = append(files, addAs(as, "three levels, "+as.name(), "mixed", 174*174*16+1, 16))
		files = append(files, addAs(as, "three levels of zeros, "+as.name(), "zeros", 174*174*16+1, 16))
	}
	write("files.json", "files", files)
	folders := []folder{
		addFolder("one file", 0, entry{"a.txt", "file", 5, ""}),
		addFolder("empty file and folder", 0, entry{"empty", "file", 0, ""}, entry{"hollow", "folder", 0, ""}),
		addFolder("folders in folders", 0,
			entry{"b", "file", 7, ""}, entry{"a/z", "file", 7, ""}, entry{"a/b/c/d", "file", 300000, ""},
			entry{"A", "file", 1, ""}, entry{"ä/ö", "file", 3, ""}, entry{"a b", "file", 2, ""}, entry{"10", "file", 2, ""},
			entry{"9", "file", 2, ""}),
		addFolder("a symbolic link", 0, entry{"there", "symlink", 0, "../else where"}, entry{"here", "file", 4, ""}),
		addFolder("a thousand small files", 1000),
		addFolder("shards", 5300, entry{"sub/x", "file", 9, ""}),
	}
	for _, as := range others {
		folders = append(folders,
			addFolderAs(as, "a bit of all, "+as.name(), 0, entry{"empty", "file", 0, ""}, entry{"hollow", "folder", 0, ""},
				entry{"a/b", "file", 300000, ""}, entry{"there", "symlink", 0, "../else where"}),
			addFolderAs(as, "shards, "+as.name(), 5300, entry{"sub/x", "file", 9, ""}))
	}
	write("folders.json", "folders", folders)
}
