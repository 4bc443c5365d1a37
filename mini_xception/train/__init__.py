"""Train mini_Xception: a frozen configuration and one visible loop that goes on where it was killed."""

from mini_xception.train.config import RUNS as RUNS
from mini_xception.train.config import TrainConfig as TrainConfig
from mini_xception.train.loop import train as train
from mini_xception.train.teacher import FixedTeacher as FixedTeacher
from mini_xception.train.teacher import LiveTeacher as LiveTeacher
from mini_xception.train.teacher import load_teacher as load_teacher
