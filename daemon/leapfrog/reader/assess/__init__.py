"""From a picture to findings: which package, is it fit, what does the model say, how large is it. Reader."""
