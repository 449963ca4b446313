"""Which part of a picture shows the patient: what the rays exposed, or the ultrasound scanner drew. Reader."""
