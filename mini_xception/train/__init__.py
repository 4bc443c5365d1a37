"""Train mini_Xception: a frozen configuration and one visible loop that goes on where it was killed."""

from mini_xception.train.config import RUNS as RUNS
from mini_xception.train.config import TrainConfig as TrainConfig
from mini_xception.train.loop import train as train
