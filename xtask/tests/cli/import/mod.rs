mod accepted;
mod output;
mod refused;
mod states;
