//! Removed pixels as weighted means of their neighbours.
//!
//! With `w` the weights between neighbours of a grid, `Σ_j w_ij (x_i - x_j) = 0` for each removed pixel `i`. The matrix of
//! the removed pixels, `A_ii = Σ_j w_ij` over all neighbours and `A_ij = -w_ij` over removed ones, is symmetric, and
//! positive definite as long as one pixel is known. The system is solved by conjugate gradients (M. Hestenes and
//! E. Stiefel, 1952) with Jacobi's preconditioner.

/// Rows, columns and weight of the way to a neighbour.
const WAYS: [(isize, isize, f64); 8] = [
    (-1, 0, 1.0 / 6.0),
    (1, 0, 1.0 / 6.0),
    (0, -1, 1.0 / 6.0),
    (0, 1, 1.0 / 6.0),
    (-1, -1, 1.0 / 12.0),
    (-1, 1, 1.0 / 12.0),
    (1, -1, 1.0 / 12.0),
    (1, 1, 1.0 / 12.0),
];
/// The residual's norm, as a part of the right side's, that is small enough.
const TOLERANCE: f64 = 1e-6;
/// Far more steps than any image takes.
const MOST_STEPS: usize = 10_000;

/// The system's matrix, a row for each removed pixel, and what it knows of its surroundings.
pub(crate) struct Neighbours {
    diagonal: Vec<f64>,
    /// Where each row's entries begin; one more than rows.
    begins: Vec<usize>,
    /// Removed neighbours, by their row, with the weight.
    removed: Vec<(usize, f64)>,
    /// Known neighbours by row, place and weight.
    known: Vec<(usize, usize, f64)>,
}

impl Neighbours {
    /// Of the pixels at these row-major places of a grid.
    pub(crate) fn of(places: &[usize], [height, width]: [usize; 2]) -> Self {
        let mut row_of = vec![usize::MAX; height * width];
        for (row, place) in places.iter().enumerate() {
            row_of[*place] = row;
        }
        let mut found = Self { diagonal: Vec::new(), begins: vec![0], removed: Vec::new(), known: Vec::new() };
        for (row, place) in places.iter().enumerate() {
            let mut sum = 0.0;
            for (down, right, weight) in WAYS {
                let y = (place / width).checked_add_signed(down).filter(|y| *y < height);
                let x = (place % width).checked_add_signed(right).filter(|x| *x < width);
                let Some((y, x)) = y.zip(x) else { continue };
                let neighbour = y * width + x;
                sum += weight;
                match row_of[neighbour] {
                    usize::MAX => found.known.push((row, neighbour, weight)),
                    other => found.removed.push((other, weight)),
                }
            }
            found.diagonal.push(sum);
            found.begins.push(found.removed.len());
        }
        found
    }

    /// The values of the removed pixels, where `known` gives those of the others.
    pub(crate) fn harmonic(&self, known: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut right = vec![0.0; self.diagonal.len()];
        for (row, place, weight) in &self.known {
            right[*row] += weight * known(*place);
        }
        self.solve(right)
    }

    fn times(&self, x: &[f64]) -> Vec<f64> {
        let row = |row: usize| {
            let others = &self.removed[self.begins[row]..self.begins[row + 1]];
            self.diagonal[row] * x[row] - others.iter().map(|(other, weight)| weight * x[*other]).sum::<f64>()
        };
        (0..x.len()).map(row).collect()
    }

    fn solve(&self, right: Vec<f64>) -> Vec<f64> {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let preconditioned =
            |residual: &[f64]| residual.iter().zip(&self.diagonal).map(|(r, d)| r / d).collect::<Vec<f64>>();
        let enough = TOLERANCE * TOLERANCE * dot(&right, &right);
        let mut x = vec![0.0; right.len()];
        let mut residual = right;
        let mut z = preconditioned(&residual);
        let mut direction = z.clone();
        let mut rho = dot(&residual, &z);
        for _ in 0..MOST_STEPS {
            if dot(&residual, &residual) <= enough {
                break;
            }
            let image = self.times(&direction);
            let step = rho / dot(&direction, &image);
            x.iter_mut().zip(&direction).for_each(|(x, d)| *x += step * d);
            residual.iter_mut().zip(&image).for_each(|(r, i)| *r -= step * i);
            z = preconditioned(&residual);
            let next = dot(&residual, &z);
            direction.iter_mut().zip(&z).for_each(|(d, z)| *d = z + next / rho * *d);
            rho = next;
        }
        x
    }
}
