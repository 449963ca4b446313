"""Makes the models that Leapfrog runs; never needed on the box.

From the command to the file, each folder above those that it imports:

| folder | what is in it |
| --- | --- |
| `commands` | one file per command of `leapfrog-train` |
| `comparison` | the paper's table made anew |
| `chest`, `head`, `nerve` | what is one package's own; `task.py` says how they are called, `tasks.py` lists them |
| `quality` | the check in front of a model that a picture looks like what the model is for |
| `compilation` | edgetpu_compiler, called here or elsewhere |
| `packaging` | from a measured network to the folder that a kiosk loads |
| `fitting` | the training loop, in float and in int8 |
| `edge_tpu_fit` | what the Edge TPU makes of a model, told from its file |
| `architectures` | the networks |
| `evaluate` | what networks are worth, measured as a kiosk reads |
| `run` | the folder of one training and what is in it |
| `datasets` | the published data sets |
"""
