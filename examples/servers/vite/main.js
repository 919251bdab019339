document.querySelector('h1').append(', and this line by its script');
