"""The networks: designed for batches of 1, and only from operations that the Edge TPU compiler accepts.

| network | file | output | for |
| --- | --- | --- | --- |
| MobileNetV2 | `mobilenet_v2.py` | a score and a heat map for each finding | chest-findings, chest-child |
| U-Net on MobileNetV2 | `mobile_unet.py` | a mask for each structure | fetal-head, nerve |
| DenseNet-121 | `densenet.py` | a score and a heat map for each finding | `comparison`: the paper's classifier |
| U-Net | `paper_unet.py` | a mask | `comparison`: the paper's segmenter |
"""
