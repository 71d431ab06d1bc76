/// The number that the bits of a half mean: `± 2^(e - 15) (1 + m / 2^10)`, `± 2^-14 m / 2^10` where `e = 0`; an infinity or
/// NaN, quiet and with the same payload, where `e = 31`.
#[must_use]
pub fn widen(half: u16) -> f32 {
    let (exponent, mantissa) = (i32::from(half >> 10 & 31), f64::from(half & 0x3ff) / 1024.0);
    let magnitude = match (exponent, half & 0x3ff) {
        (31, 0) => f32::INFINITY,
        (31, payload) => f32::from_bits(0x7fc0_0000 | u32::from(payload) << 13),
        (0, _) => (2f64.powi(-14) * mantissa) as f32,
        _ => (2f64.powi(exponent - 15) * (1.0 + mantissa)) as f32,
    };
    f32::from_bits(magnitude.to_bits() | u32::from(half & 0x8000) << 16)
}
