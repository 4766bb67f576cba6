//! The numbers of a cell type, shared by the runs that are made of it.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use crate::dataset::input::InputTransform;

/// The signal of a cell type, `[gene, mark, bin]`: a vector that its clones share until one of
/// them is changed, so that runs at once on one cell type hold it once.
#[derive(Clone, Default)]
pub struct Signal(Arc<Values>);

#[derive(Default)]
struct Values {
    numbers: Vec<f32>,
    /// What was made of them, for as long as it is in use.
    transformed: Mutex<Vec<(InputTransform, Weak<Values>)>>,
}

impl Signal {
    /// Transforms every number. Clones of one signal get clones of one result.
    pub fn transform(&mut self, transform: InputTransform) {
        if transform == InputTransform::None {
            return;
        }
        if Arc::get_mut(&mut self.0).is_some() {
            transform.apply(self);
            return;
        }
        let made = {
            let known = &self.0.transformed;
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            let of_this = known.iter().find(|(of, _)| *of == transform);
            of_this
                .and_then(|(_, made)| made.upgrade())
                .unwrap_or_else(|| {
                    let mut numbers = self.0.numbers.clone();
                    transform.apply(&mut numbers);
                    let made = Arc::new(Values::from(numbers));
                    known.retain(|(of, _)| *of != transform);
                    known.push((transform, Arc::downgrade(&made)));
                    made
                })
        };
        self.0 = made;
    }
}

impl From<Vec<f32>> for Values {
    fn from(numbers: Vec<f32>) -> Self {
        Values {
            numbers,
            transformed: Mutex::default(),
        }
    }
}

impl Clone for Values {
    fn clone(&self) -> Self {
        self.numbers.clone().into()
    }
}

impl From<Vec<f32>> for Signal {
    fn from(numbers: Vec<f32>) -> Self {
        Signal(Arc::new(numbers.into()))
    }
}

impl FromIterator<f32> for Signal {
    fn from_iter<I: IntoIterator<Item = f32>>(numbers: I) -> Self {
        Vec::from_iter(numbers).into()
    }
}

impl Deref for Signal {
    type Target = Vec<f32>;

    fn deref(&self) -> &Vec<f32> {
        &self.0.numbers
    }
}

/// What is changed is no longer shared.
impl DerefMut for Signal {
    fn deref_mut(&mut self) -> &mut Vec<f32> {
        let values = Arc::make_mut(&mut self.0);
        values.transformed = Mutex::default();
        &mut values.numbers
    }
}

impl PartialEq for Signal {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.numbers == other.0.numbers
    }
}

impl<const N: usize> PartialEq<[f32; N]> for Signal {
    fn eq(&self, other: &[f32; N]) -> bool {
        self.0.numbers == other
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.numbers.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_what_is_made_of_them() {
        let file = Signal::from(vec![0.0, 1.0, 3.0]);
        let [mut first, mut second] = [file.clone(), file.clone()];
        first.transform(InputTransform::Log1p);
        second.transform(InputTransform::Log1p);
        assert_eq!(*first, [0.0, 1.0_f32.ln_1p(), 3.0_f32.ln_1p()]);
        assert!(Arc::ptr_eq(&first.0, &second.0));
        let mut third = file.clone();
        third.transform(InputTransform::Arcsinh);
        assert_eq!(third[1], 1.0_f32.asinh());
        assert_eq!(*file, [0.0, 1.0, 3.0]);
    }

    #[test]
    fn a_change_is_of_one_clone_alone() {
        let file = Signal::from(vec![1.0, 2.0]);
        let mut kept = file.clone();
        kept.transform(InputTransform::Log1p);
        let mut changed = file.clone();
        changed[0] = 5.0;
        assert_eq!((*file).as_slice(), [1.0, 2.0]);
        // What was made of the numbers before is not taken for what they are now.
        let other = changed.clone();
        changed.transform(InputTransform::Log1p);
        assert_eq!(*changed, [5.0_f32.ln_1p(), 2.0_f32.ln_1p()]);
        assert_eq!(*other, [5.0, 2.0]);
    }

    #[test]
    fn what_nobody_shares_is_transformed_where_it_is() {
        let mut only = Signal::from(vec![1.0]);
        let before = only.as_ptr();
        only.transform(InputTransform::Log1p);
        assert_eq!((only[0], only.as_ptr()), (1.0_f32.ln_1p(), before));
    }
}
