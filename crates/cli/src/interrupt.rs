//! Ctrl-C: the first ends the run between two passes, with every file whole; the second ends it at once.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use signal_hook::consts::SIGINT;
use signal_hook::flag;

use crate::failure::Interrupted;

/// Whether somebody pressed Ctrl-C.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on.
    pub fn listen() -> Result<Self> {
        let pressed = Self::default();
        // In this order: what is registered first sees the flag as the press before left it.
        flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&pressed.0))?;
        flag::register(SIGINT, Arc::clone(&pressed.0))?;
        Ok(pressed)
    }

    /// Whether it was pressed.
    pub fn is_pressed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether a method is to go on.
    pub fn flow(&self) -> ControlFlow<()> {
        if self.is_pressed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// An error if it was pressed.
    pub fn check(&self) -> Result<()> {
        if self.is_pressed() { Err(Interrupted.into()) } else { Ok(()) }
    }
}
