//! `hashids_encode`, `hashids_decode` (community.general): whole numbers as short words, after hashids.org.

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::{bind, count, given, string};
use shevek_python::text::str_of;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

pub(crate) const FILTERS: &[Filter] = &[
    Filter {
        names: &["community.general.hashids_encode", "hashids_encode"],
        markers: Markers::Propagate,
        run: hashids_encode,
    },
    Filter {
        names: &["community.general.hashids_decode", "hashids_decode"],
        markers: Markers::Propagate,
        run: hashids_decode,
    },
];

const USUAL: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890";
const SEPARATORS: &str = "cfhistuCFHISTU";

fn hashids_encode(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([numbers], options) = bind(arguments, ["nums"], ["salt", "alphabet", "min_length"])?;
    let hashids = Hashids::new(options)?;
    let numbers = if numbers.as_list().is_some() { context.iterate(numbers)? } else { vec![numbers.clone()] };
    // What is no natural number has no word: the library says so by an empty one.
    let numbers: Option<Vec<u64>> =
        numbers.iter().map(|number| number.as_int().and_then(|number| u64::try_from(number).ok())).collect();
    Ok(Value::from(numbers.filter(|all| !all.is_empty()).map(|all| hashids.encode(&all)).unwrap_or_default()))
}

fn hashids_decode(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([word], options) = bind(arguments, ["hashid"], ["salt", "alphabet", "min_length"])?;
    let hashids = Hashids::new(options)?;
    let word = string(word, "hashid")?;
    let numbers = hashids.decode(word).filter(|numbers| hashids.encode(numbers) == word).unwrap_or_default();
    Ok(Value::list(numbers.into_iter().map(|number| Value::big(number.into())).collect()))
}

struct Hashids {
    salt: Vec<char>,
    alphabet: Vec<char>,
    separators: Vec<char>,
    guards: Vec<char>,
    shortest: usize,
}

/// Mixes characters by the salt.
fn shuffle(characters: &mut [char], salt: &[char]) {
    if salt.is_empty() {
        return;
    }
    let (mut at, mut sum) = (0, 0);
    for place in (1..characters.len()).rev() {
        at %= salt.len();
        let code = salt.get(at).map_or(0, |c| *c as usize);
        sum += code;
        characters.swap(place, (code + at + sum) % place);
        at += 1;
    }
}

/// The character at a number, counted around.
fn around(characters: &[char], number: usize) -> Option<char> {
    characters.get(number % characters.len().max(1)).copied()
}

impl Hashids {
    fn new([salt, alphabet, shortest]: [Option<&Value>; 3]) -> Result<Self> {
        let text = |value: Option<&Value>| given(value).map(str_of).unwrap_or_default().into_owned();
        let salt: Vec<char> = text(salt).chars().collect();
        let wanted = Some(text(alphabet)).filter(|text| !text.is_empty()).unwrap_or_else(|| USUAL.to_owned());
        let shortest = count(given(shortest), "min_length", 0)?;
        let mut unique: Vec<char> = Vec::new();
        for c in wanted.chars() {
            if !unique.contains(&c) {
                unique.push(c);
            }
        }
        let wrong = |detail: &str| Diagnostic::new("wrong alphabet").detail(detail);
        let mut separators: Vec<char> = SEPARATORS.chars().filter(|c| unique.contains(c)).collect();
        let mut letters: Vec<char> = unique.iter().copied().filter(|c| !separators.contains(c)).collect();
        if letters.len() + separators.len() < 16 {
            return Err(wrong("Alphabet must contain at least 16 unique characters."));
        }
        if unique.contains(&' ') {
            return Err(wrong("Alphabet must not contain spaces."));
        }
        shuffle(&mut separators, &salt);
        // At least one separator for three and a half letters.
        let least = letters.len().saturating_mul(2).div_ceil(7);
        if separators.is_empty() || letters.len() * 2 > separators.len() * 7 {
            let least = if least == 1 { 2 } else { least };
            if least > separators.len() {
                let missing = least - separators.len();
                separators.extend(letters.drain(..missing.min(letters.len())));
            }
        }
        shuffle(&mut letters, &salt);
        let guards = letters.len().div_ceil(12);
        let guards: Vec<char> = if letters.len() < 3 {
            separators.drain(..guards.min(separators.len())).collect()
        } else {
            letters.drain(..guards).collect()
        };
        Ok(Self { salt, alphabet: letters, separators, guards, shortest })
    }

    /// The alphabet that a lottery character and the salt mix for one number.
    fn mixed(&self, alphabet: &mut [char], lottery: char) {
        let key: Vec<char> =
            [lottery].iter().chain(&self.salt).chain(&*alphabet).copied().take(alphabet.len()).collect();
        shuffle(alphabet, &key);
    }

    fn encode(&self, numbers: &[u64]) -> String {
        let mut alphabet = self.alphabet.clone();
        let size = alphabet.len();
        let hash: usize = (100..).zip(numbers).map(|(divisor, number)| (number % divisor) as usize).sum();
        let Some(lottery) = around(&alphabet, hash) else { return String::new() };
        let mut out = vec![lottery];
        for (place, number) in numbers.iter().enumerate() {
            self.mixed(&mut alphabet, lottery);
            let mut word = Vec::new();
            let mut left = *number;
            loop {
                word.extend(around(&alphabet, (left % size as u64) as usize));
                left /= size as u64;
                if left == 0 {
                    break;
                }
            }
            word.reverse();
            let first = word.first().map_or(0, |c| *c as usize);
            out.extend(word);
            if place + 1 < numbers.len() {
                let kind = (*number % (first + place) as u64) as usize;
                out.extend(around(&self.separators, kind));
            }
        }
        self.lengthen(out, hash, &mut alphabet)
    }

    fn lengthen(&self, mut out: Vec<char>, hash: usize, alphabet: &mut [char]) -> String {
        let code = |out: &[char], place: usize| out.get(place).map_or(0, |c| *c as usize);
        if out.len() < self.shortest {
            let guard = around(&self.guards, hash + code(&out, 0));
            out.splice(0..0, guard);
        }
        if out.len() < self.shortest {
            out.extend(around(&self.guards, hash + code(&out, 2)));
        }
        let half = alphabet.len() / 2;
        while out.len() < self.shortest {
            let key = alphabet.to_vec();
            shuffle(alphabet, &key);
            let (front, back) = alphabet.split_at(half);
            out = back.iter().chain(&out).chain(front).copied().collect();
            if out.len() > self.shortest {
                let start = (out.len() - self.shortest) / 2;
                out = out.into_iter().skip(start).take(self.shortest).collect();
            }
        }
        out.into_iter().collect()
    }

    fn decode(&self, word: &str) -> Option<Vec<u64>> {
        let parts: Vec<&str> = word.split(|c| self.guards.contains(&c)).collect();
        let core = if matches!(parts.len(), 2 | 3) { parts.get(1) } else { parts.first() }?;
        let mut characters = core.chars();
        let lottery = characters.next()?;
        let mut alphabet = self.alphabet.clone();
        let size = alphabet.len() as u64;
        let mut out = Vec::new();
        for part in characters.as_str().split(|c| self.separators.contains(&c)) {
            self.mixed(&mut alphabet, lottery);
            let mut number: u64 = 0;
            for c in part.chars() {
                let digit = alphabet.iter().position(|known| *known == c)? as u64;
                number = number.checked_mul(size)?.checked_add(digit)?;
            }
            out.push(number);
        }
        Some(out)
    }
}
