//! How sure a counted rate is. In: counts. Out: the bounds of Clopper and Pearson (1934). Pure.

/// A rate and the bounds between which it lies with the wanted confidence.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Rate {
    /// How often it happened.
    pub events: usize,
    /// Of how many.
    pub of: usize,
    /// `events / of`.
    pub rate: f64,
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

/// The confidence of all bounds that are reported.
pub const CONFIDENCE: f64 = 0.95;

impl Rate {
    /// The rate of `events` in `of` with exact bounds at [`CONFIDENCE`]; `None` of nothing.
    pub fn of(events: usize, of: usize) -> Option<Self> {
        let (low, high) = clopper_pearson(events, of, CONFIDENCE)?;
        Some(Self { events, of, rate: events as f64 / of as f64, low, high })
    }
}

/// The exact two-sided bounds of a rate of which `events` of `of` were seen; `None` for counts that cannot be.
pub fn clopper_pearson(events: usize, of: usize, confidence: f64) -> Option<(f64, f64)> {
    if of == 0 || events > of || !(0.0..1.0).contains(&confidence) {
        return None;
    }
    let tail = (1.0 - confidence) / 2.0;
    let (k, n) = (events as f64, of as f64);
    let low = if events == 0 { 0.0 } else { beta_quantile(tail, k, n - k + 1.0) };
    let high = if events == of { 1.0 } else { beta_quantile(1.0 - tail, k + 1.0, n - k) };
    Some((low, high))
}

/// Where Student's distribution with `freedom` degrees of freedom reaches `share` (0.5 to 1).
pub(super) fn student_quantile(share: f64, freedom: f64) -> f64 {
    let x = beta_quantile(2.0 * (1.0 - share), 0.5 * freedom, 0.5);
    (freedom * (1.0 / x - 1.0)).max(0.0).sqrt()
}

/// Where the beta distribution reaches `share`, by halving: the distribution only rises.
fn beta_quantile(share: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if beta_distribution(middle, a, b) < share { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// I_x(a, b), by its continued fraction (Press et al., Numerical Recipes, section 6.4; modified Lentz).
fn beta_distribution(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let front = (log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(x, a, b) / a
    } else {
        1.0 - front * beta_fraction(1.0 - x, b, a) / b
    }
}

fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    let kept = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut d = 1.0 / kept(1.0 - (a + b) * x / (a + 1.0));
    let (mut c, mut fraction) = (1.0, d);
    // Counts of millions need a few thousand steps.
    for m in (1..100_000).map(f64::from) {
        for numerator in [
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        ] {
            d = 1.0 / kept(1.0 + numerator * d);
            c = kept(1.0 + numerator / c);
            fraction *= c * d;
        }
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    fraction
}

/// ln Γ(x), by Lanczos's approximation with g = 7 and nine coefficients (Godfrey 2001).
fn log_gamma(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let terms = COEFFICIENTS.iter().enumerate().skip(1).map(|(at, c)| c / (x + at as f64));
    let sum = COEFFICIENTS[0] + terms.sum::<f64>();
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected: scipy.stats.beta.ppf(0.025, k, n - k + 1) and (0.975, k + 1, n - k), scipy 1.17.1.
    #[track_caller]
    fn check(events: usize, of: usize, low: f64, high: f64) {
        let found = clopper_pearson(events, of, 0.95).unwrap();
        assert!((found.0 - low).abs() < 1e-9 && (found.1 - high).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn bounds_are_those_of_scipy() {
        check(0, 10, 0.000000000000, 0.308497107819);
        check(3, 10, 0.066739511178, 0.652452850060);
        check(10, 10, 0.691502892181, 1.000000000000);
        check(1, 1000, 0.000025317487, 0.005558924280);
        check(57, 203, 0.220125400004, 0.347977220171);
    }

    #[test]
    fn quantiles_of_student_are_those_of_scipy() {
        assert!((student_quantile(0.95, 3.0) - 2.353363435).abs() < 1e-6);
        assert!((student_quantile(0.99, 1.0) - 31.820515954).abs() < 1e-6);
        assert!((student_quantile(0.99, 3.0) - 4.540702859).abs() < 1e-6);
        assert!((student_quantile(0.975, 120.0) - 1.979930405).abs() < 1e-6);
    }

    #[test]
    fn counts_that_cannot_be_have_no_bounds() {
        assert!(clopper_pearson(0, 0, 0.95).is_none() && clopper_pearson(3, 2, 0.95).is_none());
        assert!(Rate::of(1, 4).is_some_and(|rate| rate.rate == 0.25 && rate.low < 0.25 && rate.high > 0.25));
    }

    #[test]
    fn large_counts_have_narrow_bounds() {
        let (low, high) = clopper_pearson(500_000, 1_000_000, 0.95).unwrap();
        assert!(low > 0.499 && high < 0.501 && low < 0.5 && high > 0.5);
    }
}
