//! How far a training is, as its events tell.

use std::time::{Duration, Instant};

use epidelta::{
    method,
    run::TrainingPlan,
    training::{self, TrainingConfig},
};

/// The course of one training.
#[derive(Debug)]
pub struct Course {
    /// Genes of an epoch.
    pub train_genes: usize,
    /// Epochs of a network at most.
    pub epochs: usize,
    networks: Networks,
    /// The network that trains, counted from 0.
    network: usize,
    /// Its epochs that are over.
    epochs_made: usize,
    /// Genes of the epoch that it is in.
    genes: usize,
    /// Fits that are done, of how many, where a method is no network.
    fits: Option<(usize, usize)>,
    started: Instant,
    /// What an earlier training had made of it all.
    share_at_start: f64,
}

/// What networks are called.
#[derive(Debug, Clone, Copy)]
enum Networks {
    /// There is one.
    One,
    /// Those of A and B.
    Cells,
    /// An ensemble of so many.
    Members(usize),
}

impl Course {
    /// A training of so many genes begins.
    pub fn new(train_genes: usize, plan: &TrainingPlan) -> Self {
        let training: Option<&TrainingConfig> = plan.settings.method.training();
        Course {
            train_genes,
            epochs: training.map_or(0, |training| training.epochs_for(train_genes)),
            networks: match training.map_or(1, |training| training.ensemble) {
                _ if plan.settings.method.is_per_cell() => Networks::Cells,
                1 => Networks::One,
                members => Networks::Members(members),
            },
            network: 0,
            epochs_made: 0,
            genes: 0,
            fits: None,
            started: Instant::now(),
            share_at_start: 0.0,
        }
    }

    /// Goes on. Returns whether another network begins.
    pub fn on(&mut self, progress: method::Progress<'_>) -> bool {
        match progress {
            method::Progress::Fits { done, all } => {
                self.fits = Some((done, all));
                false
            }
            method::Progress::Network { index, progress } => {
                let begins = self.network != index;
                if begins {
                    (self.network, self.epochs_made, self.genes) = (index, 0, 0);
                }
                match progress {
                    training::Progress::Batch { epoch, genes } => {
                        (self.epochs_made, self.genes) = (epoch.saturating_sub(1), genes);
                    }
                    training::Progress::Epoch { record, .. } => {
                        (self.epochs_made, self.genes) = (record.epoch, 0);
                    }
                    training::Progress::Resumed { history, .. } => {
                        (self.epochs_made, self.genes) = (history.epochs.len(), 0);
                        self.share_at_start = self.share();
                        self.started = Instant::now();
                    }
                }
                begins
            }
        }
    }

    /// The share of it all that is done; networks may stop before their last epoch.
    pub fn share(&self) -> f64 {
        let of = |done: f64, all: f64| {
            if all > 0.0 {
                (done / all).min(1.0)
            } else {
                0.0
            }
        };
        if let Some((done, all)) = self.fits {
            return of(done as f64, all as f64);
        }
        let epochs = self.epochs_made as f64 + of(self.genes as f64, self.train_genes as f64);
        let networks = match self.networks {
            Networks::One => 1,
            Networks::Cells => 2,
            Networks::Members(members) => members,
        };
        of(
            self.network as f64 + of(epochs, self.epochs as f64),
            networks as f64,
        )
    }

    /// The share that was done by this training, and not by one that it goes on from.
    pub fn made(&self) -> f64 {
        self.share() - self.share_at_start
    }

    /// What remains at the speed so far, once there is one.
    pub fn left(&self) -> Option<Duration> {
        let (share, made) = (self.share(), self.made());
        let left = self.started.elapsed().as_secs_f64() * (1.0 - share) / made;
        Duration::try_from_secs_f64(left)
            .ok()
            .filter(|_| made > 0.0)
    }

    /// Which network it is, where there are several: `network 2 of 5, `.
    pub fn network(&self) -> String {
        match (self.networks, self.network) {
            (Networks::One, _) => String::new(),
            (Networks::Cells, 0) => "network of A, ".into(),
            (Networks::Cells, _) => "network of B, ".into(),
            (Networks::Members(all), index) => format!("network {} of {all}, ", index + 1),
        }
    }

    /// Where it is: `network 2 of 5, epoch 3/12`, `4 of 200 fits`.
    pub fn stage(&self) -> String {
        match self.fits {
            Some((done, all)) => format!("{done} of {all} fits"),
            None if self.epochs > 0 => {
                let epoch = (self.epochs_made + 1).min(self.epochs);
                format!("{}epoch {epoch}/{}", self.network(), self.epochs)
            }
            None => "fitting".into(),
        }
    }
}
