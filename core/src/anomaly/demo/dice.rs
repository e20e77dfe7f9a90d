//! Numbers that look random and are always the same. In: a seed. Out: numbers; noise that is smooth in the plane.

/// A row of numbers that a seed gives.
pub(super) struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64 (Steele, Lea and Flood 2014).
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        scrambled(self.0)
    }

    /// Evenly between both ends.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * share(self.next())
    }

    /// From 0 to `count` − 1.
    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }

    /// Near a normal distribution of deviation 1: the sum of three even ones.
    pub fn normal(&mut self) -> f32 {
        // Three numbers between −1 and 1 have a variance of 1/3 each.
        (0..3).map(|_| self.between(-1.0, 1.0)).sum()
    }
}

fn scrambled(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// 0 or more and less than 1, of the upper 24 bits.
fn share(x: u64) -> f32 {
    (x >> 40) as f32 / (1 << 24) as f32
}

/// Smooth noise between −1 and 1: numbers on a grid of side 1, mixed in between.
pub(super) fn noise(seed: u64, [x, y]: [f32; 2]) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let ease = |share: f32| share * share * (3.0 - 2.0 * share);
    let (across, down) = (ease(x - left), ease(y - top));
    let corner = |column: f32, row: f32| {
        let place = (column as i64 as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (row as i64 as u64).rotate_left(32);
        2.0 * share(scrambled(scrambled(place ^ seed))) - 1.0
    };
    let mixed = |row: f32| (1.0 - across) * corner(left, row) + across * corner(left + 1.0, row);
    (1.0 - down) * mixed(top) + down * mixed(top + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_have_deviation_one() {
        let mut dice = Dice::new(5);
        let numbers: Vec<f32> = (0..10_000).map(|_| dice.normal()).collect();
        let variance = numbers.iter().map(|x| x * x).sum::<f32>() / 10_000.0;
        assert!((variance - 1.0).abs() < 0.05 && numbers.iter().sum::<f32>().abs() < 400.0);
    }

    #[test]
    fn noise_is_smooth_and_bounded() {
        for at in 0..1000 {
            let x = at as f32 * 0.37 - 100.0;
            let (here, near) = (noise(1, [x, -x]), noise(1, [x + 1e-3, -x]));
            assert!(here.abs() <= 1.0 && (here - near).abs() < 0.01);
        }
    }
}
