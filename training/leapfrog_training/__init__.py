"""Makes the models that Leapfrog runs; never needed on the box.

From commands down to files, each folder is above those that it imports:

| folder | what is in it |
| --- | --- |
| `commands` | one file per command of `leapfrog-train` |
| `comparison` | the paper's table, reproduced |
| `chest`, `child`, `head`, `nerve` | what is specific to one package; `task.py` is their interface |
| `films` | how films are made, shown and learnt for both chest packages |
| `quality` | the check, before a model runs, that a picture looks like those that the model is for |
| `compilation` | calling edgetpu_compiler, here or elsewhere |
| `packaging` | from a measured network to the folder that a kiosk loads |
| `fitting` | the training loop, in float and in int8 |
| `edge_tpu_fit` | predicts from a model's file what the Edge TPU will run, and how fast |
| `architectures` | the networks |
| `evaluate` | measures how good networks are, reading pictures as a kiosk does |
| `run` | the folder of one training and its files |
| `datasets` | the published data sets |
"""
