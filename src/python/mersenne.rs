//! Python's `random.Random`: the Mersenne Twister and what is drawn from it, so that a seed gives what it gives there.

use num_bigint::Sign;
use sha2::{Digest, Sha512};
use shevek_value::{BigInt, Kind, Value};

use crate::integer::as_big;

const SIZE: usize = 624;
const MIDDLE: usize = 397;

/// A generator.
pub struct Random {
    state: Vec<u32>,
    next: usize,
}

impl Random {
    /// From a seed: whole numbers, text and bytes, floats, as Python takes them.
    pub fn seeded(seed: &Value) -> Option<Self> {
        let number = match seed.kind() {
            Kind::Str(text) => of_bytes(text.as_bytes()),
            Kind::Bytes(bytes) => of_bytes(bytes),
            Kind::Float(float) => BigInt::from(float_hash(*float)),
            _ => as_big(seed)?,
        };
        Some(Self::from_key(&number.magnitude().to_u32_digits()))
    }

    /// From the system's randomness.
    pub fn from_system() -> Self {
        let key: Vec<u32> = (0..SIZE).map(|_| rand::random()).collect();
        Self::from_key(&key)
    }

    fn from_key(key: &[u32]) -> Self {
        let key = if key.is_empty() { &[0] } else { key };
        let mut state = Vec::with_capacity(SIZE);
        let mut last = 19_650_218_u32;
        state.push(last);
        for i in 1..SIZE as u32 {
            last = 1_812_433_253_u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(i);
            state.push(last);
        }
        let mut random = Self { state, next: SIZE };
        let (mut i, mut j) = (1, 0);
        for _ in 0..SIZE.max(key.len()) {
            let before = random.at(i - 1);
            let mixed = random.at(i) ^ (before ^ (before >> 30)).wrapping_mul(1_664_525);
            let part = key.get(j).copied().unwrap_or(0);
            random.set(i, mixed.wrapping_add(part).wrapping_add(j as u32));
            i += 1;
            j += 1;
            if i >= SIZE {
                random.set(0, random.at(SIZE - 1));
                i = 1;
            }
            if j >= key.len() {
                j = 0;
            }
        }
        for _ in 0..SIZE - 1 {
            let before = random.at(i - 1);
            let mixed = random.at(i) ^ (before ^ (before >> 30)).wrapping_mul(1_566_083_941);
            random.set(i, mixed.wrapping_sub(i as u32));
            i += 1;
            if i >= SIZE {
                random.set(0, random.at(SIZE - 1));
                i = 1;
            }
        }
        random.set(0, 0x8000_0000);
        random
    }

    fn at(&self, index: usize) -> u32 {
        self.state.get(index % SIZE).copied().unwrap_or(0)
    }

    fn set(&mut self, index: usize, value: u32) {
        if let Some(place) = self.state.get_mut(index % SIZE) {
            *place = value;
        }
    }

    fn refill(&mut self) {
        for i in 0..SIZE {
            let y = (self.at(i) & 0x8000_0000) | (self.at(i + 1) & 0x7fff_ffff);
            let twist = if y & 1 == 0 { 0 } else { 0x9908_b0df };
            self.set(i, self.at(i + MIDDLE) ^ (y >> 1) ^ twist);
        }
        self.next = 0;
    }

    fn word(&mut self) -> u32 {
        if self.next >= SIZE {
            self.refill();
        }
        let mut y = self.at(self.next);
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// `getrandbits`, for up to 64.
    pub fn bits(&mut self, count: u32) -> u64 {
        match count {
            0 => 0,
            1..=32 => u64::from(self.word() >> (32 - count)),
            _ => {
                let low = u64::from(self.word());
                low | (u64::from(self.word() >> (64 - count.min(64))) << 32)
            }
        }
    }

    /// A number from 0 up to, not including, `below`.
    pub fn below(&mut self, below: u64) -> u64 {
        if below == 0 {
            return 0;
        }
        let bits = 64 - below.leading_zeros();
        loop {
            let drawn = self.bits(bits);
            if drawn < below {
                return drawn;
            }
        }
    }

    /// `shuffle`.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i as u64 + 1) as usize;
            items.swap(i, j);
        }
    }
}

/// Text as a seed: its bytes and their SHA-512, as one number.
fn of_bytes(bytes: &[u8]) -> BigInt {
    let mut all = bytes.to_vec();
    all.extend_from_slice(&Sha512::digest(bytes));
    BigInt::from_bytes_be(Sign::Plus, &all)
}

/// Python's `hash(float)`: the value modulo 2**61 - 1.
fn float_hash(number: f64) -> i64 {
    if !number.is_finite() {
        return if number.is_nan() { 0 } else { 314_159 * number.signum() as i64 };
    }
    const BITS: u32 = 61;
    const MODULUS: u64 = (1 << BITS) - 1;
    let (mut mantissa, mut exponent) = split(number.abs());
    let mut hash = 0_u64;
    while mantissa != 0.0 {
        hash = ((hash << 28) & MODULUS) | (hash >> (BITS - 28));
        mantissa *= 268_435_456.0;
        exponent -= 28;
        let whole = mantissa.trunc();
        mantissa -= whole;
        hash += whole as u64;
        if hash >= MODULUS {
            hash -= MODULUS;
        }
    }
    let shift = exponent.rem_euclid(BITS as i32) as u32;
    hash = ((hash << shift) & MODULUS) | (hash >> (BITS - shift));
    let signed = hash as i64 * if number < 0.0 { -1 } else { 1 };
    if signed == -1 { -2 } else { signed }
}

/// `frexp`: a mantissa from 0.5 to 1, and an exponent of 2.
fn split(number: f64) -> (f64, i32) {
    if number == 0.0 {
        return (0.0, 0);
    }
    let (mut mantissa, mut exponent) = (number, 0);
    while mantissa >= 1.0 {
        mantissa /= 2.0;
        exponent += 1;
    }
    while mantissa < 0.5 {
        mantissa *= 2.0;
        exponent -= 1;
    }
    (mantissa, exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(seed: impl Into<Value>) -> Vec<u64> {
        let mut random = Random::seeded(&seed.into()).unwrap();
        (0..5).map(|_| random.below(60)).collect()
    }

    #[test]
    fn a_seed_gives_what_python_gives() {
        // [random.Random(seed).randrange(60) …]
        assert_eq!(draw("web1"), [52, 20, 16, 49, 21]);
        assert_eq!(draw(42), [40, 7, 1, 47, 17]);
        assert_eq!(draw(1.5), [35, 52, 16, 9, 37]);
    }
}
