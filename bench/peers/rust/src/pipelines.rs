//! Groth16 for a chain of x <- x^2 + x, as bench/pipelines/groth16.ts has it.

use crate::measure::seconds;
use ark_bls12_381::{Bls12_381, Fr};
use ark_ff::One;
use ark_groth16::Groth16;
use ark_relations::r1cs::{ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, SynthesisError};
use ark_snark::SNARK;
use ark_std::rand::{rngs::StdRng, SeedableRng};

#[derive(Clone)]
struct Chain {
    length: usize,
}

impl ConstraintSynthesizer<Fr> for Chain {
    fn generate_constraints(self, system: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let mut value = Fr::from(3u64);
        let mut at = system.new_witness_variable(|| Ok(value))?;
        for link in 1..=self.length {
            let next = value * value + value;
            let to = if link == self.length {
                system.new_input_variable(|| Ok(next))?
            } else {
                system.new_witness_variable(|| Ok(next))?
            };
            let own = LinearCombination::from(at);
            let result = LinearCombination::from(to) + (-Fr::one(), at);
            system.enforce_constraint(own.clone(), own, result)?;
            (value, at) = (next, to);
        }
        Ok(())
    }
}

pub fn run() {
    for log in [12usize, 13, 14, 15] {
        let chain = Chain { length: (1 << log) - 8 };
        let mut random = StdRng::seed_from_u64(7);
        let mut key = None;
        seconds(&format!("groth16-setup-{log}"), "ark-groth16 0.5", 1, || {
            key = Some(Groth16::<Bls12_381>::circuit_specific_setup(chain.clone(), &mut random).expect("keys").0);
        });
        let key = key.expect("keys");
        seconds(&format!("groth16-prove-{log}"), "ark-groth16 0.5", 3, || {
            Groth16::<Bls12_381>::prove(&key, chain.clone(), &mut random).expect("a proof");
        });
    }
}
