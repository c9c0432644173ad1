module holdfast.invalid/peers

go 1.26.0

require (
	github.com/consensys/gnark-crypto v0.19.0
	github.com/minio/sha256-simd v1.0.1
	golang.org/x/crypto v0.58.0
)

require (
	github.com/bits-and-blooms/bitset v1.20.0 // indirect
	github.com/klauspost/cpuid/v2 v2.2.3 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
