//! Student's distribution ("The Probable Error of a Mean", Biometrika 6, 1908): its 97.5 % quantile.
//!
//! With `z` the normal quantile and `d` degrees of freedom, `t = z + Σ gₖ(z) / dᵏ` (R. Fisher and E. Cornish, Technometrics 2,
//! 1960; Abramowitz and Stegun 26.7.5), to four terms; for one and two degrees in closed form, `tan(0.475 π)` and
//! `p √2 / √(1 - p²)` with `p = 0.95`.

/// The normal distribution's 97.5 % quantile.
pub const NORMAL: f64 = 1.959_963_984_540_054;

/// Student's 97.5 % quantile with so many degrees of freedom, of which there is at least one.
pub fn quantile(degrees: usize) -> f64 {
    let polynomial = |coefficients: &[f64]| coefficients.iter().fold(0.0, |sum, next| sum * NORMAL * NORMAL + next);
    let terms = [
        NORMAL * polynomial(&[1.0, 1.0]) / 4.0,
        NORMAL * polynomial(&[5.0, 16.0, 3.0]) / 96.0,
        NORMAL * polynomial(&[3.0, 19.0, 17.0, -15.0]) / 384.0,
        NORMAL * polynomial(&[79.0, 776.0, 1482.0, -1920.0, -945.0]) / 92160.0,
    ];
    match degrees {
        0 | 1 => (0.475 * std::f64::consts::PI).tan(),
        2 => 0.95 * (2.0 / (1.0 - 0.95f64.powi(2))).sqrt(),
        _ => NORMAL + terms.iter().rev().fold(0.0, |sum, term| (sum + term) / degrees as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_in_the_tables() {
        let table =
            [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (7, 2.365), (12, 2.179), (30, 2.042), (1000, 1.962)];
        for (degrees, expected) in table {
            assert!((quantile(degrees) / expected - 1.0).abs() < 2e-3, "{degrees}: {}", quantile(degrees));
        }
    }
}
