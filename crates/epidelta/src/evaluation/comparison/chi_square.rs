//! The upper tail of the chi-square distribution, from which every p value of this
//! module that is not counted exactly comes.
//!
//! With `k` degrees of freedom, P(X >= x) = Q(a, y), the regularised upper
//! incomplete gamma function at a = k/2, y = x/2. Below its mean the series of its
//! complement converges fast, above it the continued fraction does.

/// P(X >= x). The square of a standard normal variable has one degree of freedom:
/// `chi_square_tail(z * z, 1)` is the two-sided p value of `z`.
pub(super) fn chi_square_tail(x: f64, degrees: u32) -> f64 {
    if x <= 0.0 || degrees == 0 {
        return 1.0;
    }
    let (a, y) = (f64::from(degrees) / 2.0, x / 2.0);
    let front = (a * y.ln() - y - ln_gamma_of_half(degrees)).exp();
    match y < a + 1.0 {
        true => 1.0 - front * series(a, y),
        false => front * continued_fraction(a, y),
    }
}

/// ln Γ(k/2), by Γ(a + 1) = a Γ(a) from Γ(1/2) = √π or Γ(1) = 1.
fn ln_gamma_of_half(k: u32) -> f64 {
    let (first, start) = match k % 2 {
        1 => (1, std::f64::consts::PI.ln() / 2.0),
        _ => (2, 0.0),
    };
    let factors = (first..k).step_by(2).map(|m| (f64::from(m) / 2.0).ln());
    start + factors.sum::<f64>()
}

/// 1/a + y/(a(a+1)) + y²/(a(a+1)(a+2)) + ...
fn series(a: f64, y: f64) -> f64 {
    let mut term = 1.0 / a;
    let mut sum = term;
    let mut n = a;
    while term > sum * f64::EPSILON {
        n += 1.0;
        term *= y / n;
        sum += term;
    }
    sum
}

/// 1/(y + 1 - a - 1(1 - a)/(y + 3 - a - 2(2 - a)/(y + 5 - a - ...))), by Lentz's
/// method: ratios of successive numerators `c` and denominators `d`.
fn continued_fraction(a: f64, y: f64) -> f64 {
    const TINY: f64 = 1e-300; // in place of a zero one divides by
    let nonzero = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut b = y + 1.0 - a;
    let (mut c, mut d) = (1.0 / TINY, 1.0 / nonzero(b));
    let mut value = d;
    for i in 1..10_000 {
        let n = f64::from(i);
        let numerator = -n * (n - a);
        b += 2.0;
        d = 1.0 / nonzero(numerator * d + b);
        c = nonzero(b + numerator / c);
        value *= c * d;
        if (c * d - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values: tools/reference/comparison.py (SciPy 1.17).
    #[test]
    fn equal_to_scipy() {
        let golden = include_str!("../../../tests/golden/comparison.json");
        let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
        let cases = golden["chi_square"].as_array().unwrap();
        assert!(cases.len() > 50);
        for case in cases {
            let number = |key: &str| case[key].as_f64().unwrap();
            let p = chi_square_tail(number("x"), number("degrees") as u32);
            let expected = number("p");
            assert!(
                (p - expected).abs() <= 1e-10 * expected,
                "{case}: {p} is not {expected}"
            );
        }
    }
}
