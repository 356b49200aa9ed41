"""Bytes: measured, predicted, and solved for."""

from radexp.memory.budget import Budget, format_bytes, solve_largest
from radexp.memory.exhausted import is_out_of_memory
from radexp.memory.ledger import LayerLedger
from radexp.memory.meter import SavedBytesMeter
from radexp.memory.peak import StepPeak
from radexp.memory.predict import parameter_bytes, predict_by_layer, predict_saved_bytes

__all__ = [
    "Budget",
    "LayerLedger",
    "SavedBytesMeter",
    "StepPeak",
    "format_bytes",
    "is_out_of_memory",
    "parameter_bytes",
    "predict_by_layer",
    "predict_saved_bytes",
    "solve_largest",
]
