//! Gauss-Legendre quadrature: sums that equal integrals of polynomials of twice their length.

/// Nodes and weights between 0 and 1; the weights sum to one.
pub(super) fn gauss_legendre(nodes: usize) -> Vec<(f64, f64)> {
    let n = nodes as f64;
    (0..nodes)
        .map(|i| {
            // Newton's method from Chebyshev's root, which is near (Press et al., section 4.6).
            let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (n + 0.5)).cos();
            let mut slope = 1.0;
            for _ in 0..100 {
                let (value, before) = legendre(nodes, x);
                slope = n * (x * value - before) / (x * x - 1.0);
                let step = value / slope;
                x -= step;
                if step.abs() < 1e-15 {
                    break;
                }
            }
            let weight = 2.0 / ((1.0 - x * x) * slope * slope);
            ((1.0 - x) / 2.0, weight / 2.0)
        })
        .collect()
}

/// Legendre's polynomials of a degree of at least one and of the one before.
fn legendre(degree: usize, x: f64) -> (f64, f64) {
    let (mut value, mut before) = (x, 1.0);
    for k in 2..=degree {
        let k = k as f64;
        (value, before) = (
            ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k,
            value,
        );
    }
    (value, before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_integrated_exactly() {
        for nodes in [1, 2, 8, 16, 64, 256] {
            let rule = gauss_legendre(nodes);
            for power in [0, 1, 2 * nodes - 1] {
                let sum: f64 = rule.iter().map(|(x, w)| w * x.powi(power as i32)).sum();
                let exact = 1.0 / (power as f64 + 1.0);
                assert!(
                    (sum - exact).abs() < 1e-12,
                    "{nodes} nodes, power {power}: {sum}"
                );
            }
        }
    }
}
