// The same work as the kernels of this repository, by public implementations in Go, one thread. Prints a line of JSON
// for each: units a second of processor time, median of several samples, and half the distance of the quartiles.
package main

import (
	"crypto/sha256"
	"fmt"
	"math"
	"math/big"
	"os"
	"runtime"
	"slices"
	"syscall"

	"github.com/consensys/gnark-crypto/ecc"
	bls12381 "github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fr"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fr/fft"
	simd "github.com/minio/sha256-simd"
	"golang.org/x/crypto/blake2s"
)

const (
	samples       = 7
	sampleSeconds = 0.05
)

// processorSeconds counts all threads of the process: with GOMAXPROCS 1 that is the work and its garbage collector.
func processorSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}

func secondsOf(calls int, work func()) float64 {
	started := processorSeconds()
	for range calls {
		work()
	}
	return processorSeconds() - started
}

func quantile(sorted []float64, part float64) float64 {
	at := part * float64(len(sorted)-1)
	below, above := sorted[int(math.Floor(at))], sorted[int(math.Ceil(at))]
	return below + (above-below)*(at-math.Floor(at))
}

func rate(work, name string, count int, call func()) {
	calls := 1
	for secondsOf(calls, call) < sampleSeconds {
		calls *= 2
	}
	values := make([]float64, samples)
	for i := range values {
		values[i] = float64(calls*count) / secondsOf(calls, call)
	}
	slices.Sort(values)
	median := quantile(values, 0.5)
	spread := (quantile(values, 0.75) - quantile(values, 0.25)) / 2 / median
	fmt.Printf("{\"work\":%q,\"name\":%q,\"value\":%g,\"spread\":%g}\n", work, name, median, spread)
}

func hashes() {
	pair, label, key := make([]byte, 64), make([]byte, 1248), make([]byte, 448)
	rate("sha256-pairs", "crypto/sha256 (Go)", 1, func() { sha256.Sum256(pair) })
	rate("sdr-label", "crypto/sha256 (Go), hashing alone", 1, func() { sha256.Sum256(label) })
	rate("sdr-label", "sha256-simd (Go), hashing alone", 1, func() { simd.Sum256(label) })
	rate("blake2s-key", "x/crypto/blake2s (Go), hashing alone", 1, func() { blake2s.Sum256(key) })
}

func elements(count int) []fr.Element {
	all := make([]fr.Element, count)
	for i := range all {
		all[i].MustSetRandom()
	}
	return all
}

func sums() {
	_, _, g1, g2 := bls12381.Generators()
	for _, log := range []int{13, 16} {
		scalars := elements(1 << log)
		points := bls12381.BatchScalarMultiplicationG1(&g1, scalars)
		rate(fmt.Sprintf("g1-msm-%d", log), "gnark-crypto (Go)", 1<<log, func() {
			var sum bls12381.G1Affine
			if _, err := sum.MultiExp(points, scalars, ecc.MultiExpConfig{NbTasks: 1}); err != nil {
				panic(err)
			}
		})
	}
	scalars := elements(1 << 13)
	rate("g1-fixed-base", "gnark-crypto (Go)", 1<<13, func() { bls12381.BatchScalarMultiplicationG1(&g1, scalars) })
	twisted := bls12381.BatchScalarMultiplicationG2(&g2, scalars[:1<<11])
	rate("g2-msm-11", "gnark-crypto (Go)", 1<<11, func() {
		var sum bls12381.G2Affine
		if _, err := sum.MultiExp(twisted, scalars[:1<<11], ecc.MultiExpConfig{NbTasks: 1}); err != nil {
			panic(err)
		}
	})
}

func transform() {
	const log = 14
	domain := fft.NewDomain(1 << log)
	values := elements(1 << log)
	own := make([]fr.Element, 1<<log)
	rate("fft-14", "gnark-crypto (Go)", log<<(log-1), func() {
		copy(own, values)
		domain.FFT(own, fft.DIF, fft.WithNbTasks(1))
		fft.BitReverse(own)
	})
}

func exponentiation() {
	modulus := new(big.Int).Lsh(big.NewInt(1), 2048)
	modulus.Sub(modulus, big.NewInt(1942289))
	base := new(big.Int).Sub(modulus, big.NewInt(12345))
	exponent := new(big.Int).Lsh(big.NewInt(1), 531)
	exponent.Sub(exponent, big.NewInt(1))
	rate("modexp-532", "math/big (Go)", 1, func() { new(big.Int).Exp(base, exponent, modulus) })
}

func main() {
	runtime.GOMAXPROCS(1)
	if len(os.Args) > 1 && os.Args[1] == "state" {
		actorTable(os.Args[2:])
		return
	}
	if len(os.Args) != 2 || os.Args[1] != "kernels" {
		return // pipelines have no peer here
	}
	hashes()
	sums()
	transform()
	exponentiation()
}
