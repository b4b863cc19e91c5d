//! Recognises RSA keys of the broken generator of CVE-2017-15361 ("ROCA").
//!
//! Its primes have the form `k * M + (65537^a mod M)` with M the product of the first primes, so the
//! modulus is a power of 65537 modulo every one of them. A random modulus passes for all of these
//! primes about once in 2^28 times (Nemec et al., "The Return of Coppersmith's Attack", section 2).

/// The primes up to 167: those that M has for every size of key.
const PRIMES: [u8; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether the modulus, in big-endian bytes, has the broken generator's mark.
pub(super) fn is_weak(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|prime| {
        let prime = u32::from(*prime);
        let residue = modulus
            .iter()
            .fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        is_power(residue, prime)
    })
}

fn is_power(residue: u32, prime: u32) -> bool {
    let generator = 65537 % prime;
    let mut power = 1;
    loop {
        if power == residue {
            return true;
        }
        power = power * generator % prime;
        if power == 1 {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_the_generator_are_recognised() {
        // 65537^n is a power of 65537 modulo anything.
        assert!(is_weak(&[1]));
        assert!(is_weak(&[1, 0, 1]));
        assert!(is_weak(&[1, 0, 2, 0, 1]));
        assert!(!is_weak(&[1, 0, 3]));
    }
}
