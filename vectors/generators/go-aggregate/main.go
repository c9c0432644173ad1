// Golden vectors of verifiable data aggregation (FRC-0058), made by Filecoin's go-data-segment: index areas,
// placement, index entries, aggregates, inclusion proofs. Run `go run . <folder>`; the folder gets aggregate.json.
// The same program always writes the same bytes.
//
// Sub-pieces are given by their commitments alone: no data is hashed, so large deals cost nothing.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/filecoin-project/go-data-segment/datasegment"
	commcid "github.com/filecoin-project/go-fil-commcid"
	"github.com/filecoin-project/go-state-types/abi"
	"github.com/ipfs/go-cid"
)

const origin = "computed by go-data-segment v0.0.1 with vectors/generators/go-aggregate"
const licence = "facts computed by a program; the generator is Apache-2.0 OR MIT"

type area struct {
	PaddedBytes uint64 `json:"paddedBytes"`
	Entries     uint   `json:"entries"`
	// Where the index starts, in user bytes.
	StartUserBytes uint64 `json:"startUserBytes"`
}

type piece struct {
	Commitment  string `json:"commitment"`
	PaddedBytes uint64 `json:"paddedBytes"`
}

type inclusion struct {
	Piece int    `json:"piece"`
	Cbor  string `json:"cbor"`
}

type aggregate struct {
	Name        string  `json:"name"`
	PaddedBytes uint64  `json:"paddedBytes"`
	Pieces      []piece `json:"pieces"`
	// The used entries, padded form.
	Index string `json:"index"`
	// Commitment of the whole index area and of the aggregate.
	IndexCommitment string      `json:"indexCommitment"`
	Commitment      string      `json:"commitment"`
	Inclusions      []inclusion `json:"inclusions"`
}

type file struct {
	Origin     string      `json:"origin"`
	Licence    string      `json:"licence"`
	Note       string      `json:"note"`
	Areas      []area      `json:"areas"`
	Aggregates []aggregate `json:"aggregates"`
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// commitmentOf is a stand-in for data: a hash below 2^254.
func commitmentOf(salt string, i int) []byte {
	digest := sha256.Sum256([]byte(fmt.Sprintf("%s %d", salt, i)))
	digest[31] &= 0x3f
	return digest[:]
}

func hexOf(c cid.Cid) string {
	return hex.EncodeToString(must(commcid.CIDToPieceCommitmentV1(c)))
}

func aggregateOf(name string, paddedBytes uint64, sizes []uint64, proven []int) aggregate {
	infos := make([]abi.PieceInfo, len(sizes))
	pieces := make([]piece, len(sizes))
	for i, size := range sizes {
		commitment := commitmentOf(name, i)
		pieces[i] = piece{hex.EncodeToString(commitment), size}
		infos[i] = abi.PieceInfo{
			Size:     abi.PaddedPieceSize(size),
			PieceCID: must(commcid.PieceCommitmentV1ToCID(commitment)),
		}
	}
	made := must(datasegment.NewAggregate(abi.PaddedPieceSize(paddedBytes), infos))
	inclusions := make([]inclusion, len(proven))
	for at, i := range proven {
		proof := must(made.ProofForIndexEntry(i))
		expected := must(proof.ComputeExpectedAuxData(datasegment.VerifierDataForPieceInfo(infos[i])))
		if expected.CommPa != must(made.PieceCID()) || uint64(expected.SizePa) != paddedBytes {
			panic("the proof does not verify")
		}
		var encoded bytes.Buffer
		if err := proof.MarshalCBOR(&encoded); err != nil {
			panic(err)
		}
		inclusions[at] = inclusion{i, hex.EncodeToString(encoded.Bytes())}
	}
	return aggregate{
		Name:            name,
		PaddedBytes:     paddedBytes,
		Pieces:          pieces,
		Index:           hex.EncodeToString(must(made.Index.MarshalBinary())),
		IndexCommitment: hexOf(must(made.IndexPieceCID())),
		Commitment:      hexOf(must(made.PieceCID())),
		Inclusions:      inclusions,
	}
}

// sizesFrom gives count sizes of 128·2^(0 … spread − 1) bytes.
func sizesFrom(salt string, count int, spread uint64) []uint64 {
	sizes := make([]uint64, count)
	for i := range sizes {
		digest := sha256.Sum256([]byte(fmt.Sprintf("size %s %d", salt, i)))
		sizes[i] = 128 << (binary.LittleEndian.Uint64(digest[:]) % spread)
	}
	return sizes
}

func main() {
	made := file{
		Origin:  origin,
		Licence: licence,
		Note:    "Commitments are 32 bytes in file order; proofs are the CBOR of go-data-segment.",
	}
	for size := uint64(512); size <= 1<<36; size *= 2 {
		padded := abi.PaddedPieceSize(size)
		entries := datasegment.MaxIndexEntriesInDeal(padded)
		start := datasegment.DataSegmentIndexStartOffset(padded)
		made.Areas = append(made.Areas, area{size, entries, start})
	}
	made.Aggregates = []aggregate{
		aggregateOf("one piece", 1024, []uint64{128}, []int{0}),
		aggregateOf("the largest index of a small deal", 1024, []uint64{128, 128, 256, 128}, []int{0, 1, 2, 3}),
		aggregateOf("gaps", 8192, []uint64{128, 1024, 256, 2048}, []int{0, 1, 2, 3}),
		aggregateOf("twins", 4096, []uint64{512, 512, 1024}, []int{0, 1, 2}),
		aggregateOf("a full index", 4<<20, sizesFrom("a full index", 32, 9), []int{0, 7, 31}),
		aggregateOf("thirty-two gibibytes", 32<<30, []uint64{1 << 34, 128, 1 << 29, 1 << 20}, []int{0, 1, 3}),
	}
	encoded := must(json.MarshalIndent(made, "", "  "))
	if err := os.WriteFile(filepath.Join(os.Args[1], "aggregate.json"), append(encoded, '\n'), 0o644); err != nil {
		panic(err)
	}
}
