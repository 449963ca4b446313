"""The data sets that models are trained on, each in its published layout.

| data set | file | shows | package |
| --- | --- | --- | --- |
| NIH ChestX-ray14 | `chestxray14.py` | frontal chest films with labels of findings | chest-findings |
| Kermany et al., Cell 2018 | `children_kermany.py` | frontal chest films of children | chest-child |
| HC18 | `hc18.py` | ultrasound of fetal heads with their outlines | fetal-head, and nerve: no nerve is seen there |
| usgra-seg | `nerves_usgra.py` | ultrasound of several regions with masks of nerves and vessels | nerve |
| Ultrasound Nerve Segmentation (Kaggle) | `kaggle_nerve.py` | ultrasound of the neck with masks of nerves | nerve |

`open_...` in each file checks the layout and returns a `splits.DataSet`: the usable records, each on one side of a
split, and a sentence for each one that cannot be used.
"""
