//! What has one key goes one after the other; what has different keys goes together.

use std::collections::HashMap;
use std::hash::Hash;

/// Cuts a batch into waves, in each of which a key occurs once: the n-th item of a key is in the
/// n-th wave. Where no key repeats, which is usual, that is one wave.
pub(crate) fn waves<T, K: Hash + Eq>(items: Vec<T>, key: impl Fn(&T) -> K) -> Vec<Vec<T>> {
    let mut seen: HashMap<K, usize> = HashMap::new();
    let mut waves: Vec<Vec<T>> = Vec::new();
    for item in items {
        let times = seen.entry(key(&item)).or_default();
        match waves.get_mut(*times) {
            Some(wave) => wave.push(item),
            None => waves.push(vec![item]),
        }
        *times += 1;
    }
    waves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_occurs_once_in_each_wave_and_in_order() {
        for (items, expected) in [
            ("", vec![]),
            ("a1 b1 c1", vec!["a1 b1 c1"]),
            ("a1 b1 a2 a3 b2 c1", vec!["a1 b1 c1", "a2 b2", "a3"]),
        ] {
            let items = items.split_whitespace().collect();
            let waves = waves(items, |item: &&str| item.chars().next());
            let waves: Vec<_> = waves.iter().map(|wave| wave.join(" ")).collect();
            assert_eq!(waves, expected);
        }
    }
}
