//! Hashes, sums of points and transforms.

use crate::measure::rate;
use ark_ff::UniformRand;
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use blst::*;
use ff::Field;
use generic_array::typenum::{U11, U2, U8};
use neptune::poseidon::{Poseidon, PoseidonConstants};
use rand::{rngs::StdRng, Rng, SeedableRng};
use sha2::{Digest, Sha256};
use std::hint::black_box;

fn poseidon<A: neptune::Arity<blstrs::Scalar>>(arity: usize, random: &mut StdRng) {
    let constants = PoseidonConstants::<blstrs::Scalar, A>::new();
    let elements: Vec<_> = (0..arity).map(|_| blstrs::Scalar::random(&mut *random)).collect();
    rate(&format!("poseidon-{arity}"), "neptune 13", 1, || {
        black_box(Poseidon::new_with_preimage(black_box(&elements), &constants).hash());
    });
}

fn sha256(random: &mut StdRng) {
    let mut pair = [0u8; 64];
    random.fill(&mut pair);
    rate("sha256-pairs", "sha2 0.10 (Rust)", 1, || {
        black_box(Sha256::digest(black_box(pair)));
    });
    let label = vec![5u8; 1248];
    rate("sdr-label", "sha2 0.10 (Rust), hashing alone", 1, || {
        black_box(Sha256::digest(black_box(&label)));
    });
}

fn blake2s() {
    let key = vec![5u8; 448];
    rate("blake2s-key", "blake2s_simd, hashing alone", 1, || {
        black_box(blake2s_simd::blake2s(black_box(&key)));
    });
    let params = blake2s_simd::Params::new();
    rate("blake2s-keys", "blake2s_simd, 8 at once, hashing alone", 8, || {
        let mut jobs: Vec<_> = (0..8).map(|_| blake2s_simd::many::HashManyJob::new(&params, &key)).collect();
        blake2s_simd::many::hash_many(jobs.iter_mut());
        black_box(jobs[7].to_hash());
    });
}

fn scalars(count: usize, random: &mut StdRng) -> Vec<u8> {
    (0..count)
        .flat_map(|_| {
            let mut bytes = [0u8; 32];
            random.fill(&mut bytes);
            bytes[31] &= 0x3f;
            bytes
        })
        .collect()
}

fn sums(random: &mut StdRng) {
    for log in [13, 16] {
        let count = 1usize << log;
        let own = scalars(count, random);
        let points: Vec<blst_p1> = (0..count)
            .map(|i| {
                let mut out = blst_p1::default();
                unsafe { blst_p1_mult(&mut out, blst_p1_generator(), own[32 * i..].as_ptr(), 64) };
                out
            })
            .collect();
        let affine = p1_affines::from(&points);
        rate(&format!("g1-msm-{log}"), "blst 0.3 (Rust)", count, || {
            black_box(affine.mult(black_box(&own), 255));
        });
    }
    let count = 1usize << 11;
    let own = scalars(count, random);
    let points: Vec<blst_p2> = (0..count)
        .map(|i| {
            let mut out = blst_p2::default();
            unsafe { blst_p2_mult(&mut out, blst_p2_generator(), own[32 * i..].as_ptr(), 64) };
            out
        })
        .collect();
    let affine = p2_affines::from(&points);
    rate("g2-msm-11", "blst 0.3 (Rust)", count, || {
        black_box(affine.mult(black_box(&own), 255));
    });
}

fn transform(random: &mut StdRng) {
    let log = 14;
    let domain = Radix2EvaluationDomain::<ark_bls12_381::Fr>::new(1 << log).expect("a domain of this size");
    let values: Vec<_> = (0..1 << log).map(|_| ark_bls12_381::Fr::rand(random)).collect();
    rate("fft-14", "arkworks 0.5", log * (1 << (log - 1)), || {
        let mut own = values.clone();
        domain.fft_in_place(&mut own);
        black_box(&own[1]);
    });
}

pub fn run() {
    let random = &mut StdRng::seed_from_u64(7);
    poseidon::<U2>(2, random);
    poseidon::<U8>(8, random);
    poseidon::<U11>(11, random);
    sha256(random);
    blake2s();
    sums(random);
    transform(random);
}
