"""Commands in PID namespaces of their own: run and Popen as subprocess has them, and what a timeout ends is everything."""

from nscore.running.popen import Popen
from nscore.running.results import CalledProcessError, CompletedProcess, Guarantee, TimeoutExpired, Unkillable
from nscore.running.run import run

__all__ = ["CalledProcessError", "CompletedProcess", "Guarantee", "Popen", "TimeoutExpired", "Unkillable", "run"]
